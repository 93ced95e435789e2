// The certified oidc-provider with its development sign-in form: any login passes, its claims come from CLAIMS.
// node provider.mjs PORT REDIRECT_URI CLAIMS, the last a JSON object {login: {name, email, groups, …}}
import Provider from "oidc-provider";

const [port, redirectUri, claims] = process.argv.slice(2);
const people = JSON.parse(claims);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "desk", client_secret: "desk-secret/with+signs", redirect_uris: [redirectUri] }],
  claims: {
    openid: ["sub"],
    profile: ["name", "preferred_username"],
    email: ["email", "email_verified"],
    groups: ["groups", "hasgroups"],
  },
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
  cookies: { keys: ["only for tests"] },
});

provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
