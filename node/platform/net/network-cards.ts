import { networkInterfaces } from 'node:os'

/** This machine's own addresses with their prefixes, as `10.0.1.2/24`, of every network card that is up. */
export function ownCidrs(): string[] {
  return Object.values(networkInterfaces())
    .flatMap(entries => entries ?? [])
    .flatMap(({ cidr }) => (cidr === null ? [] : [cidr]))
}
