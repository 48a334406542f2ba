/** Live documents by Firestore's own listeners, for deployments that have Firebase. Only those load this and its SDK. */

import { _addComponent, initializeApp } from "firebase/app";
import { connectFirestoreEmulator, doc, getFirestore, onSnapshot, Timestamp } from "firebase/firestore";

import { currentSession, freshToken, onSession } from "./api.js";

let database = null;

const decode = (part) => JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/")));
const encode = (value) => btoa(JSON.stringify(value)).replaceAll("=", "");

/** The user whose documents are listened to; undefined if that is unknown, as with a token that is no JWT. */
export function userOf(config) {
  const session = currentSession();
  if (session?.user) return session.user.id;
  if (!session) return config.emulator ? "local" : undefined;
  try {
    return decode(session.access_token.split(".")[1]).sub;
  } catch {
    return undefined;
  }
}

/** The token that Firestore's rules check. The emulator believes an unsigned one, as its users have no Firebase account. */
async function tokenOf(config, isRejected) {
  const user = userOf(config);
  if (!config.emulator) return freshToken(isRejected);
  const claims = { sub: user, user_id: user, aud: config.projectId, iss: `https://securetoken.google.com/${config.projectId}`, iat: 0, exp: 2 ** 31 };
  return `${encode({ alg: "none", type: "JWT" })}.${encode(claims)}.`;
}

/**
 * The console's session in place of Firebase's Auth SDK, by the interface that this SDK offers to Firestore: there is one
 * session, and 50 kB less to load.
 */
const sessionAsAuth = (config) => ({
  getUid: () => userOf(config),
  getToken: async (isRejected) => ({ accessToken: await tokenOf(config, isRejected) }),
  addAuthTokenListener: (listener) => {
    const tell = () => listener(currentSession()?.access_token ?? null);
    onSession(tell);
    queueMicrotask(tell); // as the SDK's own: Firestore is not ready for it any sooner
  },
  removeAuthTokenListener: () => {},
});

function open(config) {
  if (database) return database;
  const app = initializeApp({ projectId: config.projectId, apiKey: config.apiKey });
  const auth = sessionAsAuth(config);
  _addComponent(app, { name: "auth-internal", type: "PRIVATE", instantiationMode: "LAZY", serviceProps: {}, instanceFactory: () => auth });
  database = getFirestore(app, config.database);
  if (config.emulator) {
    const [host, port] = config.emulator.split(":");
    connectFirestoreEmulator(database, host, Number(port));
  }
  return database;
}

/** A stored value as the API sends it: times as text, and stages in their order, which Firestore's maps do not keep. */
function fromStored(value) {
  if (value instanceof Timestamp) return value.toDate().toISOString();
  if (Array.isArray(value)) return value.map(fromStored);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value)
    .sort(([, one], [, other]) => (one?.number ?? 0) - (other?.number ?? 0))
    .map(([name, item]) => [name, fromStored(item)]));
}

/**
 * Call `show` with a document now and after each change; returns what stops that. `fail` gets what ends it, such as rules
 * that refuse it; a lost connection does not.
 */
export function listen(config, path, show, fail) {
  return onSnapshot(doc(open(config), path), (snapshot) => {
    if (snapshot.exists()) show(fromStored(snapshot.data()));
    else if (!snapshot.metadata.fromCache) fail(new Error("The document was deleted."));
  }, fail);
}
