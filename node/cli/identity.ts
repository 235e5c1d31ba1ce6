/** The `identity` command: what is done with the key of a peer while no peer runs on it. */
import { join, resolve } from 'node:path'
import { IDENTITY_FILE, openIdentity, readIdentityFile, unlocked } from '../platform/identity.ts'
import { encodePlainIdentity, encodeProtectedIdentity, type IdentityFile } from '../platform/identity-file.ts'
import { writeSecret } from '../platform/node-files.ts'
import { type Passphrases, passphrasesHere } from '../platform/passphrase.ts'
import { openPeerFolder } from '../platform/peer-folder.ts'
import type { CommandHost } from './host.ts'
import { UserError } from './user-error.ts'

export interface IdentityFlags {
  readonly dir: string
  readonly passphraseFile?: string
}

export interface ProtectFlags extends IdentityFlags {
  readonly newPassphraseFile?: string
}

export interface ExportFlags extends ProtectFlags {
  readonly plain?: boolean
  readonly force?: boolean
}

export interface ImportFlags extends IdentityFlags {
  readonly replace?: boolean
}

/** What the first start of a peer would make, made now. @throws UserError if there is one; as protect */
export async function create(
  { dir, passphraseFile }: IdentityFlags,
  { output, signal }: CommandHost
): Promise<void> {
  const unlock = await openPeerFolder(dir)
  try {
    const path = join(dir, IDENTITY_FILE)
    const before = await readIdentityFile(path)
    if (before !== null) throw new UserError(`${path}: is there already, and is ${before.peerId}`, 2)
    await openIdentity(dir, passphrasesHere(passphraseFile, signal))
  } finally {
    await unlock()
  }
  await show({ dir }, { output, signal })
}

/** @throws UserError if there is no identity; NetworkError BAD_IDENTITY; FilesError */
export async function show({ dir }: IdentityFlags, { output }: CommandHost): Promise<void> {
  const { path, file } = await present(dir)
  output.say(`peer id ${file.peerId}\nkey     ${path}, ${formWords(file)}`)
  output.event({ event: 'done', peer: file.peerId, path, protected: file.kind === 'protected' })
}

/** @throws as show; UserError without a new passphrase; NetworkError LOCKED_IDENTITY, WRONG_PASSPHRASE, DIRECTORY_IN_USE */
export async function protect(flags: ProtectFlags, host: CommandHost): Promise<void> {
  await change(flags, host, async (file, path) => {
    const { newPassphraseFile, passphraseFile } = flags
    const isPlain = file.kind === 'plain'
    const privateKey = await unlocked(file, path, passphrasesHere(passphraseFile, host.signal))
    // Of a plain key there is one passphrase only, however it is given.
    const from = newPassphraseFile ?? (isPlain ? passphraseFile : undefined)
    const passphrases = passphrasesHere(from, host.signal)
    const given = from !== undefined || isPlain ? await passphrases.given() : null
    const passphrase = given ?? (await askedTwice(passphrases, 'new passphrase'))
    return encodeProtectedIdentity(privateKey, passphrase)
  })
}

/** @throws as protect */
export async function unprotect(flags: IdentityFlags, host: CommandHost): Promise<void> {
  await change(flags, host, async (file, path) => {
    if (file.kind === 'plain') throw new UserError(`${path} is not encrypted`, 2)
    const privateKey = await unlocked(file, path, passphrasesHere(flags.passphraseFile, host.signal))
    return encodePlainIdentity(privateKey)
  })
}

/** @throws as protect; UserError if the file is there */
export async function exportTo(
  target: string,
  flags: ExportFlags,
  { output, signal }: CommandHost
): Promise<void> {
  const { dir, passphraseFile, newPassphraseFile, plain = false, force = false } = flags
  const { path, file } = await present(dir)
  output.say(`peer id ${file.peerId}`)
  // Opened in any case: a backup whose passphrase nobody knows is none.
  const privateKey = await unlocked(file, path, passphrasesHere(passphraseFile, signal))
  const encrypted = async (): Promise<Uint8Array> => {
    if (file.kind === 'protected' && newPassphraseFile === undefined) return file.bytes
    const passphrases = passphrasesHere(newPassphraseFile ?? passphraseFile, signal)
    const passphrase =
      (await passphrases.given()) ?? (await askedTwice(passphrases, 'passphrase of the backup'))
    return encodeProtectedIdentity(privateKey, passphrase)
  }
  const bytes = plain ? encodePlainIdentity(privateKey) : await encrypted()
  const place = resolve(target)
  if (!(await writeSecret(place, bytes, force ? 'replace' : 'keep'))) {
    throw new UserError(`${target}: is there already. Choose another name, or overwrite it with --force.`, 2)
  }
  const form = plain ? 'NOT encrypted: whoever reads it can act as this peer' : 'encrypted'
  output.say(`wrote   ${place}, ${form}\nKeep it off this machine; identity import takes it back`)
  output.event({ event: 'done', peer: file.peerId, path: place, protected: !plain })
}

/**
 * The file's form is kept: a backup that is encrypted becomes a key that is.
 * @throws UserError if another identity is there; NetworkError BAD_IDENTITY, LOCKED_IDENTITY, WRONG_PASSPHRASE, DIRECTORY_IN_USE
 */
export async function importFrom(
  source: string,
  flags: ImportFlags,
  { output, signal }: CommandHost
): Promise<void> {
  const { dir, passphraseFile, replace = false } = flags
  const file = await readIdentityFile(source)
  if (file === null) {
    throw new UserError(`${source}: no such file. Name one that fedpeft-node identity export has written`, 2)
  }
  const unlock = await openPeerFolder(dir)
  try {
    const path = join(dir, IDENTITY_FILE)
    const before = await readIdentityFile(path)
    output.say(before === null ? 'no identity before' : `peer id before ${before.peerId}`)
    if (before !== null && before.peerId !== file.peerId && !replace) {
      throw new UserError(
        `${path} is another identity, ${before.peerId}; ${source} is ${file.peerId}. Give that one a folder of its own ` +
          'with --dir. (--replace puts it in the place of the old one, which is lost if there is no export of it.)',
        2
      )
    }
    // What cannot be opened must not take the place of what can.
    await unlocked(file, source, passphrasesHere(passphraseFile, signal))
    await writeSecret(path, file.bytes, 'replace')
    const after = (await present(dir)).file
    output.say(`peer id now    ${after.peerId}\nkey            ${path}, ${formWords(after)}`)
    if (before?.peerId !== after.peerId) output.warn(onePlace)
    output.event({
      event: 'done',
      before: before?.peerId ?? null,
      peer: after.peerId,
      path,
      protected: after.kind === 'protected'
    })
  } finally {
    await unlock()
  }
}

const onePlace =
  'an identity runs in one place only: two processes that act for it contradict each other, which others take for cheating. ' +
  'Stop the old one for good, and bring its runs/ folder here if it is in a run'

/** Writes the key anew, with nobody running on it. @param make - what to write */
async function change(
  { dir }: IdentityFlags,
  { output }: CommandHost,
  make: (file: IdentityFile, path: string) => Promise<Uint8Array>
): Promise<void> {
  await present(dir)
  const unlock = await openPeerFolder(dir)
  try {
    const { path, file } = await present(dir)
    output.say(`peer id before ${file.peerId}\nkey            ${path}, ${formWords(file)}`)
    await writeSecret(path, await make(file, path), 'replace')
    const after = (await present(dir)).file
    output.say(`peer id now    ${after.peerId}\nkey            ${path}, ${formWords(after)}`)
    output.event({ event: 'done', peer: after.peerId, path, protected: after.kind === 'protected' })
  } finally {
    await unlock()
  }
}

async function present(dir: string): Promise<{ readonly path: string; readonly file: IdentityFile }> {
  const path = join(dir, IDENTITY_FILE)
  const file = await readIdentityFile(path)
  if (file !== null) return { path, file }
  const message = `${path}: there is no identity yet. identity create makes one, as does the first join, init or bootstrap; import brings one`
  throw new UserError(message, 2)
}

/** Typed wrong once, a new passphrase would lock its owner out. */
async function askedTwice(passphrases: Passphrases, what: string): Promise<string> {
  const first = await passphrases.ask(`${what}: `)
  if (first === null) {
    const message = `there is no terminal to ask for the ${what}: give it in a file with --new-passphrase-file FILE`
    throw new UserError(message, 2)
  }
  if ((await passphrases.ask(`${what}, again: `)) === first) return first
  throw new UserError('those were two different passphrases: nothing was changed', 2)
}

function formWords({ kind }: IdentityFile): string {
  return kind === 'protected' ? 'encrypted with a passphrase' : 'not encrypted'
}
