// A certified OpenID Connect provider on loopback: node server.mjs PORT REDIRECT_URI...
//
// Whoever signs in as `verified:EMAIL` or `unverified:EMAIL` has that address, verified or not;
// `nobody:NAME` has none. Its own development pages ask for the name and for consent. It ends with
// its standard input, which is whoever started it.
import { Provider } from "oidc-provider";

const [port, ...redirects] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const client = (client_id) => ({
  client_id,
  client_secret: "a-secret-for-tests-of-thirty-two-characters",
  redirect_uris: redirects,
});

const provider = new Provider(issuer, {
  clients: [client("centre"), client("another")],
  cookies: { keys: ["for tests only"] },
  pkce: { required: () => true },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "locale"] },
  async findAccount(_, id) {
    const [kind, name] = id.split(/:(.*)/s);
    const email = kind === "nobody" ? {} : { email: name, email_verified: kind === "verified" };
    return {
      accountId: id,
      claims: async () => ({ sub: id, name: "Grace Hopper", locale: "en-GB", ...email }),
    };
  },
});

process.stdin.resume().on("end", () => process.exit());
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
