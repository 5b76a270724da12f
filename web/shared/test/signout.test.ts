import { beforeEach, describe, expect, test, vi } from "vitest";

const answers: (Response | Error)[] = [];
const asked: string[] = [];
vi.stubGlobal("fetch", async (path: string) => {
  asked.push(path);
  const answer = answers.shift();
  if (!answer) throw new Error(`nobody expects ${path}`);
  if (answer instanceof Error) throw answer;
  return answer;
});

const { ApiError, leave, session, signOut, stillSignedIn } = await import("../src/api");
type Session = NonNullable<ReturnType<typeof session.get>>;
const ADA = { permissions: ["desk.use"] } as unknown as Session;

describe("signing out", () => {
  beforeEach(() => {
    answers.length = asked.length = 0;
    session.set(ADA);
    stillSignedIn.set(null);
  });

  test("ends the session", async () => {
    answers.push(new Response(null, { status: 204 }));
    await signOut();
    expect(session.get()).toBeNull();
    expect(asked).toEqual(["/api/v1/auth/logout"]);
  });

  test("finds a session over that was over before", async () => {
    answers.push(new Response("{}", { status: 401 }));
    await signOut();
    expect(session.get()).toBeNull();
  });

  test.each([
    ["no answer", new TypeError("no network"), 0],
    ["a server in trouble", new Response('{"title":"Unavailable"}', { status: 503 }), 503],
    ["too many tries", new Response("{}", { status: 429, headers: { "Retry-After": "7" } }), 429],
  ])("leaves the page signed in and says so: %s", async (_, answer, status) => {
    answers.push(answer, new Response(null, { status: 204 }));
    leave();
    await vi.waitFor(() => expect(stillSignedIn.get()).toBeInstanceOf(ApiError));
    expect((stillSignedIn.get() as InstanceType<typeof ApiError>).status).toBe(status);
    expect(session.get()).toBe(ADA);
    leave();
    await vi.waitFor(() => expect(session.get()).toBeNull());
    expect(stillSignedIn.get()).toBeNull();
  });
});
