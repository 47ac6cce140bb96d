// A certified relying party (openid-client) as a small web application: every ability of the library
// that the scenarios ask for has an address. Environment: PEERS, PORT, ISSUER.
import dns from 'node:dns';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const { PEERS, PORT, ISSUER } = process.env;
const BASE = `http://127.0.0.1:${PORT}`;
const SECRET = 'rp secret/+%';
const REDIRECT = `${BASE}/callback`;
const AFTER_LOGOUT = `${BASE}/signed-out`;

// Browsers know that *.localhost is loopback; the C library does not.
const lookup = dns.lookup;
dns.lookup = (host, ...rest) => lookup(String(host).endsWith('.localhost') ? '127.0.0.1' : host, ...rest);

const require = createRequire(path.join(PEERS, 'idp', 'package.json'));
const oc = await import(pathToFileURL(require.resolve('openid-client')).href);

const discover = (id, authentication) => oc.discovery(new URL(ISSUER), id, {}, authentication);
const withSecret = () => oc.ClientSecretBasic(SECRET);

const relying = {
  code: await discover('rp-code', withSecret()),
  hybrid: await discover('rp-hybrid', oc.ClientSecretPost(SECRET)),
  implicit: await discover('rp-implicit', oc.None()),
};
oc.enableNonRepudiationChecks(relying.code);
oc.useCodeIdTokenResponseType(relying.hybrid);
oc.useIdTokenResponseType(relying.implicit);

const started = new Map();
const state = { tokens: null, claims: null, old: null, backChannel: [], frontChannel: [] };
const told = (error) => ({ error: error.error ?? error.code ?? error.name, description: error.error_description ?? error.message });

async function login(query, answer) {
  const flow = query.get('flow') ?? 'code';
  const verifier = oc.randomPKCECodeVerifier();
  const one = { flow, verifier, nonce: oc.randomNonce(), maxAge: query.get('max_age') };
  const parameters = { redirect_uri: REDIRECT, scope: query.get('scope') ?? 'openid profile email', state: oc.randomState(), nonce: one.nonce };
  if (flow !== 'implicit') {
    parameters.code_challenge = await oc.calculatePKCECodeChallenge(verifier);
    parameters.code_challenge_method = 'S256';
  }
  for (const name of ['prompt', 'max_age', 'response_mode', 'login_hint', 'ui_locales']) {
    if (query.get(name)) parameters[name] = query.get(name);
  }
  started.set(parameters.state, one);
  const address = query.get('pushed')
    ? await oc.buildAuthorizationUrlWithPAR(relying[flow], parameters)
    : oc.buildAuthorizationUrl(relying[flow], parameters);
  answer.writeHead(302, { location: String(address) }).end();
}

async function callback(parameters) {
  const one = started.get(parameters.get('state'));
  if (!one) throw new Error('nobody asked for this');
  started.delete(parameters.get('state'));
  const input = new URL(REDIRECT);
  if (one.flow === 'code') input.search = parameters; else input.hash = parameters;
  const expectedState = parameters.get('state');
  if (one.flow === 'implicit') {
    state.claims = await oc.implicitAuthentication(relying.implicit, input, one.nonce, { expectedState });
    state.tokens = { id_token: parameters.get('id_token') };
    return { claims: state.claims };
  }
  const checks = { pkceCodeVerifier: one.verifier, expectedState, expectedNonce: one.nonce, idTokenExpected: true };
  if (one.maxAge) checks.maxAge = Number(one.maxAge);
  state.tokens = await oc.authorizationCodeGrant(relying[one.flow], input, checks);
  state.claims = state.tokens.claims();
  const { scope, expires_in, refresh_token } = state.tokens;
  return { claims: state.claims, scope, expires_in, refreshable: Boolean(refresh_token), session_state: parameters.get('session_state') };
}

async function refresh() {
  const fresh = await oc.refreshTokenGrant(relying.code, state.tokens.refresh_token);
  const rotated = fresh.refresh_token !== state.tokens.refresh_token;
  state.old = state.tokens;
  state.tokens = { ...state.tokens, ...fresh };
  return { rotated, claims: fresh.claims?.() };
}

function backChannel(body) {
  const [header, payload] = new URLSearchParams(body).get('logout_token').split('.').slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url')));
  state.backChannel.push({ header, payload });
  return {};
}

async function robot() {
  const robot = await discover('rp-robot', withSecret());
  const { access_token, token_type, expires_in, scope } = await oc.clientCredentialsGrant(robot, { scope: 'orders' });
  return { access_token, token_type, expires_in, scope };
}

async function dpop() {
  const robot = await discover('rp-robot', withSecret());
  const proof = oc.getDPoPHandle(robot, await oc.randomDPoPKeyPair());
  const { access_token, token_type } = await oc.clientCredentialsGrant(robot, { scope: 'orders' }, { DPoP: proof });
  return { access_token, token_type };
}

let device = null;
async function startDevice() {
  const client = await discover('rp-device', oc.None());
  const begun = await oc.initiateDeviceAuthorization(client, { scope: 'openid profile offline_access' });
  device = oc.pollDeviceAuthorizationGrant(client, begun, {}, { signal: AbortSignal.timeout(30_000) });
  device.catch(() => {});
  return begun;
}

async function finishDevice() {
  const tokens = await device;
  return { scope: tokens.scope, claims: tokens.claims(), refreshable: Boolean(tokens.refresh_token) };
}

async function introspect() {
  const api = await discover('orders', oc.ClientSecretBasic('orders secret'));
  return oc.tokenIntrospection(api, state.tokens.access_token);
}

const wrong = {
  secret: async () => oc.clientCredentialsGrant(await discover('rp-robot', oc.ClientSecretBasic('nope')), { scope: 'orders' }),
  scope: async () => oc.clientCredentialsGrant(await discover('rp-robot', withSecret()), { scope: 'nothing' }),
  code: () => oc.authorizationCodeGrant(relying.code, new URL(`${REDIRECT}?code=bogus&iss=${encodeURIComponent(ISSUER)}`), { pkceCodeVerifier: oc.randomPKCECodeVerifier() }),
  refresh: () => oc.refreshTokenGrant(relying.code, 'bogus'),
  access: () => oc.fetchUserInfo(relying.code, 'bogus', oc.skipSubjectCheck),
  replayed: () => oc.refreshTokenGrant(relying.code, state.old.refresh_token),
};

const pages = {
  '/me': () => oc.fetchUserInfo(relying.code, state.tokens.access_token, state.claims.sub),
  '/refresh': refresh,
  '/introspect': introspect,
  '/revoke': async () => { await oc.tokenRevocation(relying.code, state.tokens.refresh_token); return {}; },
  '/robot': robot,
  '/dpop': dpop,
  '/device': startDevice,
  '/device/finish': finishDevice,
  '/heard': () => ({ backChannel: state.backChannel, frontChannel: state.frontChannel }),
  '/signed-out': (query) => ({ signedOut: true, state: query.get('state') }),
  '/front-channel': (query) => { state.frontChannel.push(Object.fromEntries(query)); return {}; },
};

async function respond(request, answer) {
  const url = new URL(request.url, BASE);
  let body = '';
  for await (const chunk of request) body += chunk;
  const tell = (value, status = 200) => answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  try {
    if (url.pathname === '/login') return await login(url.searchParams, answer);
    if (url.pathname === '/callback') return tell(await callback(request.method === 'POST' ? new URLSearchParams(body) : url.searchParams));
    if (url.pathname === '/logout') {
      const parameters = { id_token_hint: state.tokens.id_token, post_logout_redirect_uri: AFTER_LOGOUT, state: 'bye' };
      return answer.writeHead(302, { location: String(oc.buildEndSessionUrl(relying.code, parameters)) }).end();
    }
    if (url.pathname === '/back-channel') return tell(backChannel(body));
    if (url.pathname.startsWith('/wrong/')) return tell(await wrong[url.pathname.slice(7)]().then(() => ({ error: null }), told));
    const page = pages[url.pathname];
    return page ? tell(await page(url.searchParams)) : tell({ error: 'not_found' }, 404);
  } catch (error) {
    console.error(url.pathname, error);
    tell(told(error), 500);
  }
}

http.createServer(respond).listen(Number(PORT), '127.0.0.1');
