/** The flags of `join` and `bootstrap` about being reached, and what they mean to a network. */
import { type Command, InvalidArgumentError } from 'commander'
import type { Libp2pNetworkInit } from '../platform/libp2p-network.ts'
import { readNetworkKey } from '../platform/net/network-key.ts'
import { readTlsFiles } from '../platform/net/tls-files.ts'
import { collect } from './options.ts'
import { UserError } from './user-error.ts'

export interface NetworkOptions {
  readonly announce?: readonly string[]
  readonly networkKey?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly mdns?: boolean
}

export type NetworkSettings = Pick<Libp2pNetworkInit, 'announce' | 'networkKey' | 'tls' | 'mdns'>

export function addNetworkOptions(command: Command): Command {
  return command
    .option(
      '--announce <address>',
      'tell the others this address too: what a router forwards here, or a name; may be repeated',
      collect
    )
    .option(
      '--network-key <file>',
      'take part in a private network only: everyone in it has this file (see network-key); turns WebRTC off'
    )
    .option('--tls-cert <file>', 'certificate (PEM) to listen on wss with, then those that lead to its root')
    .option('--tls-key <file>', 'its private key (PEM)')
    .option('--mdns', 'look for peers on the local network, and be found there')
}

/** Reads the files that the flags name. @throws UserError; NetworkError BAD_TLS, BAD_NETWORK_KEY */
export async function networkSettings(options: NetworkOptions, nowMs: number): Promise<NetworkSettings> {
  const { announce, networkKey, tlsCert, tlsKey, mdns } = options
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    const [given, missing] = tlsCert === undefined ? ['--tls-key', '--tls-cert'] : ['--tls-cert', '--tls-key']
    throw new UserError(`${given} needs ${missing} FILE: the certificate and its key go together`, 2)
  }
  return {
    ...(announce === undefined ? {} : { announce }),
    ...(networkKey === undefined ? {} : { networkKey: await readNetworkKey(networkKey) }),
    ...(tlsCert === undefined || tlsKey === undefined
      ? {}
      : { tls: await readTlsFiles(tlsCert, tlsKey, nowMs) }),
    ...(mdns === undefined ? {} : { mdns })
  }
}

/** Parses the `--stun` flag, which may be repeated. */
export function hostAndPort(value: string, previous: readonly string[] = []): readonly string[] {
  const port = Number(/^(?:[^\s:/[\]]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/.exec(value)?.[1] ?? 0)
  if (port >= 1 && port <= 65_535) return [...previous, value]
  throw new InvalidArgumentError('It must be HOST:PORT, as in stun.example.org:3478.')
}
