/** The certificate and the key with which a peer listens on `wss`. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { NetworkError } from '../../../protocols/errors.ts'

export interface TlsFiles {
  /** PEM, the peer's own certificate first, then those up to the root. */
  readonly cert: string
  /** PEM. */
  readonly key: string
}

/**
 * @param nowMs - refused if the certificate is not valid then
 * @throws NetworkError BAD_TLS, saying which file and what to do
 */
export async function readTlsFiles(certPath: string, keyPath: string, nowMs: number): Promise<TlsFiles> {
  const [cert, key] = await Promise.all([read(certPath, '--tls-cert'), read(keyPath, '--tls-key')])
  const certificate = parsed(
    certPath,
    'a PEM certificate (BEGIN CERTIFICATE)',
    () => new X509Certificate(cert)
  )
  const privateKey = parsed(keyPath, 'a PEM private key without a passphrase', () => createPrivateKey(key))
  if (!certificate.checkPrivateKey(privateKey)) {
    throw bad(
      certPath,
      `${keyPath} is not the key of the certificate in ${certPath}; give the two that belong together`
    )
  }
  if (Date.parse(certificate.validTo) < nowMs) {
    throw bad(certPath, `the certificate in ${certPath} ended on ${certificate.validTo}; get a new one`)
  }
  return { cert, key }
}

async function read(path: string, flag: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const reason =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : String(cause)
    throw bad(path, `${flag} ${path}: ${reason}`, cause)
  }
}

function parsed<T>(path: string, what: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw bad(path, `${path} is not ${what}`, cause)
  }
}

function bad(path: string, message: string, cause?: unknown): NetworkError {
  return new NetworkError('BAD_TLS', { path }, message, { cause })
}
