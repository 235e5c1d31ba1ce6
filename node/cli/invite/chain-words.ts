/** What a peer's own chain on the disk says of invitations. It was checked when it was written, and is only read here. */
import { toHex } from '../../../protocols/hex.ts'
import {
  type Admission,
  CertifiedLink,
  Decision,
  Envelope,
  Founding,
  Order,
  Registration
} from '../../../protocols/messages.js'
import { peerIdOf } from '../../../protocols/peer-id.ts'
import type { Files, PeerId } from '../../../protocols/ports.ts'
import { readRecords } from '../../peer/record-log.ts'
import { runFolder } from '../../peer/run-disk.ts'
import { nodeCrypto } from '../../platform/node-crypto.ts'

export interface ChainWords {
  /** Links after the founding list; null before there is one. */
  readonly height: number | null
  /** Invitation id (hexadecimal) -> who came by it. */
  readonly redeemed: ReadonlyMap<string, ReadonlySet<PeerId>>
  readonly revoked: ReadonlySet<string>
}

/** @throws FilesError */
export async function chainWords(files: Files, run: Uint8Array): Promise<ChainWords> {
  const file = (await files.read(`${runFolder(run)}/chain.log`)) ?? new Uint8Array()
  const { places } = readRecords(file, nodeCrypto().sha256)
  const redeemed = new Map<string, Set<PeerId>>()
  const revoked = new Set<string>()
  for (const [height, { offset, length }] of places.entries()) {
    const record = file.slice(offset, offset + length)
    if (height === 0) {
      for (const admission of foundersOf(record)) count(admission)
      continue
    }
    const { link } = Decision.decode(CertifiedLink.decode(record).decision)
    for (const admission of link?.admissions ?? []) count(admission)
    for (const { payload } of link?.orders ?? []) {
      const { kind, invitation } = Order.decode(payload)
      if (kind === 'revoke') revoked.add(toHex(invitation))
    }
  }
  return { height: places.length === 0 ? null : places.length - 1, redeemed, revoked }

  function count({ peer, redemption }: Admission): void {
    const id = redemption?.invitation?.id
    if (id === undefined) return
    const key = toHex(id)
    redeemed.set(key, (redeemed.get(key) ?? new Set()).add(peer))
  }
}

function foundersOf(record: Uint8Array): Admission[] {
  const { registrations } = Founding.decode(Envelope.decode(record).payload)
  return registrations.map(({ sender, payload }) => {
    const { redemption } = Registration.decode(payload)
    return redemption === undefined ? { peer: peerIdOf(sender) } : { peer: peerIdOf(sender), redemption }
  })
}
