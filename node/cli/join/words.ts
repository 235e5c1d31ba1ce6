/** Figures and names as a person reads them. */
import type { PeerId } from '../../../protocols/ports.ts'

const units = ['bytes', 'KB', 'MB', 'GB', 'TB'] as const

/** E.g. `812 bytes`, `1.4 MB`; a kilobyte is 1,000 bytes, as on a data plan. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toPrecision(2)} ${units[unit]}`
}

/** E.g. `0.8 s`, `45 s`, `12 min`. */
export function durationText(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`
}

/** E.g. `850 J`, `1.2 kJ`. */
export function energyText(joules: number): string {
  return joules < 1000 ? `${Math.round(joules)} J` : `${(joules / 1000).toFixed(1)} kJ`
}

/** The end of a peer id, where ids differ most. */
export function shortPeer(peer: PeerId): string {
  return `…${peer.slice(-6)}`
}

export function peerList(peers: readonly PeerId[]): string {
  return peers.map(shortPeer).join(' ')
}
