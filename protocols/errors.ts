/** Why the network could not do what was asked of it. */
export type NetworkErrorCode =
  | 'UNREACHABLE' // no connection could be made, or the peer does not speak the protocol: { peer } or { address }
  | 'OTHER_VERSION' // a peer speaks another major version of our protocols: { peer, theirs }
  | 'TIMEOUT' // no answer frame in time: { peer, protocol, timeoutMs }
  | 'TOO_LARGE' // a message, frame or body above its limit: { bytes?, maxBytes, topic? | protocol? }
  | 'RESET' // the other side broke off in the middle of an answer: { peer, protocol }
  | 'CLOSED' // this network has been closed: {}
  | 'PORT_TAKEN' // the address to listen on is in use: { address, port }
  | 'BAD_BANS' // the file of bans holds something else: { path }
  | 'BAD_IDENTITY' // the file of this peer's key holds something else: { path }
  | 'LOCKED_IDENTITY' // that file is encrypted, and no passphrase is at hand: { path }
  | 'WRONG_PASSPHRASE' // it does not open that file, or the file was changed: { path }
  | 'NEWER_FOLDER' // a later version of this program has written this peer's folder: { path, got, spoken }
  | 'DIRECTORY_IN_USE' // another process runs a peer from this directory: { path, pid }
  | 'NOBODY_THERE' // no process of ours runs from this directory: { dir }
  | 'REFUSED' // the process there does not do what it was asked: { dir, command?, wrongUsage }
  | 'BAD_ADDRESS' // not a multiaddr, or one that no transport here can use: { address }
  | 'BAD_TLS' // the certificate or key to listen on wss with is missing, damaged or out of date: { path }
  | 'BAD_NETWORK_KEY' // the file of a private network's key is missing or something else: { path }

export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  readonly code: NetworkErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: NetworkErrorCode,
    data: Readonly<Record<string, unknown>> = {},
    message?: string,
    options?: ErrorOptions
  ) {
    super(message ?? `${code}: ${JSON.stringify(data)}`, options)
    this.code = code
    this.data = data
  }
}

/** Why something that travelled, or is about to, was refused. */
export type ProtocolErrorCode =
  | 'BAD_PEER_ID' // not the text of an Ed25519 peer id: { peerId }
  | 'BAD_MANIFEST' // a run manifest with unknown or impossible values: { problems: ManifestProblem[] }
  | 'BAD_SIGNATURE' // not signed by the one who should have: { signer }
  | 'VERSION' // made for another version: { got, spoken }
  | 'BAD_LINK' // a link or founding list that does not follow from the chain before it: { height, reason }
  | 'NOT_ADMITTED' // a peer that may not become a member: { peer, fault: AdmissionFault }
  | 'BAD_EVIDENCE' // evidence that shows nothing: { reason, later? }
  | 'BAD_MESSAGE' // bytes that are not the message they should be: { reason }
  | 'OFFER_REFUSED' // another peer does not list the run offered to it: { peer, reason }
  | 'BLOB_UNAVAILABLE' // no holder gave the blob: { address, refused: what each holder did wrong }
  | 'BLOB_WRONG_LENGTH' // the blob behind an address has another length than was announced: { address, lengthBytes }
  | 'BLOB_TOO_LARGE' // a blob above its limit: { address?, bytes, maxBytes }

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: ProtocolErrorCode,
    data: Readonly<Record<string, unknown>> = {},
    message?: string,
    options?: ErrorOptions
  ) {
    super(message ?? `${code}: ${JSON.stringify(data)}`, options)
    this.code = code
    this.data = data
  }
}
