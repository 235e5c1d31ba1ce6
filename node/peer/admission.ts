import type { PeerId } from '../../protocols/ports.ts'
import type { RunManifest } from '../../protocols/run-manifest.ts'
import { PeerError } from './errors.ts'

/** @throws PeerError NOT_ADMITTED, naming the peer and whom to ask */
export function checkAdmission(manifest: RunManifest, peer: PeerId): void {
  const { admission, name, author } = manifest
  if (admission.kind === 'open' || admission.peers.includes(peer)) return
  throw new PeerError(
    'NOT_ADMITTED',
    { peer },
    `admission.peers: the run "${name}" takes listed peers only, and this one, ${peer}, is not among them. Send this ` +
      `id to the author of the run, ${author}`
  )
}

/** Whether a peer is served what the run's peers serve each other. */
export function mayTakePart({ admission }: Pick<RunManifest, 'admission'>, peer: PeerId): boolean {
  return admission.kind === 'open' || admission.peers.includes(peer)
}
