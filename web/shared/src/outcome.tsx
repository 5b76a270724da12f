/** What became of something, in a line that is always there. */
import { Icon } from "./icons";
import { useSaid } from "./problems";

export function Outcome({ failure, done }: { failure: unknown; done?: string | false | null | undefined }) {
  const said = useSaid();
  return (
    <p className="outcome t13" role="status">
      {failure ? (
        <span className="c-bad row">
          <Icon name="octagon" size={12} />
          {said.whole(failure)}
        </span>
      ) : (
        done && (
          <span className="c-ok row">
            <Icon name="check" size={12} />
            {done}
          </span>
        )
      )}
    </p>
  );
}
