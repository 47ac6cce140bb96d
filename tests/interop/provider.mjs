// node-oidc-provider, a certified OpenID provider, on loopback with TLS. Any login name works with any
// password; what it says of a person depends on the name.
//
// PORT, ISSUER, TLS_CERT, TLS_KEY; GATEWAY is the address that people see, such as
// https://cms.localhost:8443.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.PEERS}/idp/`);
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const { PORT, ISSUER, GATEWAY, TLS_CERT, TLS_KEY } = process.env;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'rsa-1' };

const people = {
  alice: { name: 'Alice Adams', email: 'alice@example.test', email_verified: true, groups: ['cms-authors', 'g-0001'] },
  bob: { name: 'Bob Brown', email: 'bob@example.test', email_verified: false, groups: ['cms-admins'] },
  eve: { name: 'sitecore\\admin', email: 'eve@example.test', groups: ['sitecore\\cms-admins', 'cms-admins '], role: 'sitecore\\cms-admins' },
};
const client = {
  client_secret: 'gw secret/+%', // every character that a client must form-encode (RFC 6749 §2.3.1)
  redirect_uris: [`${GATEWAY}/signin-oidc`],
  post_logout_redirect_uris: [`${GATEWAY}/signout-callback-oidc`],
};
const provider = new Provider(ISSUER, {
  clients: [
    { client_id: 'gateway', grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], ...client },
    { client_id: 'gateway-post', token_endpoint_auth_method: 'client_secret_post', grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], ...client },
    { client_id: 'gateway-hybrid', grant_types: ['authorization_code', 'implicit'], response_types: ['code id_token'], ...client },
  ],
  jwks: { keys: [key] },
  claims: { openid: ['sub', 'sid'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'], groups: ['groups', 'role'] },
  scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: id, ...people[id] }) }),
  responseTypes: ['code', 'code id_token'],
  cookies: { keys: ['rig'] },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  renderError: async (ctx, out) => { ctx.type = 'json'; ctx.body = out; },
});
for (const event of ['server_error', 'authorization.error', 'grant.error', 'end_session.error']) {
  provider.on(event, (ctx, error) => console.error(event, error.error, error.error_description, error.error_detail ?? '', error.stack));
}
https.createServer({ cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) }, provider.callback())
  .listen(Number(PORT), '127.0.0.1', () => console.log('listening'));
