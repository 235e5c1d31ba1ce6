/** `join` without `--run`: the runs that are offered, as a table. */

import { setTimeout as delay } from 'node:timers/promises'
import Table from 'cli-table3'
import { fromHex } from '../../../protocols/hex.ts'
import { FRAME_BYTES } from '../../../protocols/limits.ts'
import { CertifiedLink, ChainRequest, Decision } from '../../../protocols/messages.js'
import type { RunManifest } from '../../../protocols/run-manifest.ts'
import { CHAIN_PROTOCOL } from '../../../protocols/run-protocols.ts'
import type { OfferedRun } from '../../../protocols/run-registry.ts'
import { decodeSignedManifest } from '../../../protocols/signed-manifest.ts'
import { adapterText } from '../adapter-text.ts'
import type { CommandHost } from '../host.ts'
import type { Entry } from './entry.ts'
import { askEveryone } from './run-source.ts'
import { shortPeer } from './words.ts'

/** Where a run stands, as its members tell it: without the base model nobody can check that. */
interface RunStanding {
  readonly members: number
  readonly completedRounds: number
}

/** The peer that was reached first names the others, who may know of more runs. */
const LOOK_AROUND_MS = 1_500

const ASK_MS = 3_000

/** A longer chain than any run has; who sends more is not telling one. */
const LINKS_MAX = 200_000

/** @throws the signal's reason */
export async function listOfferedRuns(entry: Entry, { output, signal }: CommandHost): Promise<void> {
  await delay(LOOK_AROUND_MS, undefined, { signal }).catch(() => signal.throwIfAborted())
  const offered = await askEveryone(entry)
  const runs = await Promise.all(
    offered.map(async ({ run, manifest: bytes }) => {
      const { manifest } = decodeSignedManifest(bytes)
      return { run, manifest, standing: await standingOf(entry, run) }
    })
  )
  output.event({
    event: 'offered',
    runs: runs.map(({ run, manifest, standing }) => ({
      run,
      name: manifest.name,
      author: manifest.author,
      model: manifest.model,
      adapter: manifest.adapter,
      rounds: manifest.rounds,
      cohort: manifest.cohort,
      admission: manifest.admission.kind,
      privacy: manifest.privacy,
      members: standing?.members ?? null,
      completedRounds: standing?.completedRounds ?? null
    }))
  })
  if (runs.length === 0) {
    output.say(
      'No run is offered here now. Offer one with: fedpeft-node join ADDRESS --run FILE --data YOUR-TEXT'
    )
    return
  }
  const table = new Table({
    head: ['id', 'name', 'author', 'base model', 'adapter', 'rounds', 'members', 'privacy', 'who may join'],
    style: { head: [], border: [] }
  })
  for (const { run, manifest, standing } of runs) {
    const rounds =
      standing === null ? `${manifest.rounds}` : `${standing.completedRounds} of ${manifest.rounds}`
    const members = standing === null ? `needs ${manifest.cohort.founders}` : `${standing.members}`
    table.push([
      run.slice(0, 16),
      manifest.name,
      shortPeer(manifest.author),
      modelText(manifest),
      `${adapterText(manifest.adapter)}, ${manifest.strategy}`,
      rounds,
      members,
      privacyText(manifest),
      admissionText(manifest)
    ])
  }
  output.say(table.toString())
  output.say('Take part with: fedpeft-node join ADDRESS --run ID --data YOUR-TEXT')
}

function admissionText({ admission }: RunManifest): string {
  if (admission.kind === 'open') return 'anyone'
  const { kind, peers } = admission
  const listed = `${peers.length} listed ${peers.length === 1 ? 'peer' : 'peers'}`
  if (kind === 'list') return listed
  return peers.length === 0 ? 'the invited' : `the invited, ${listed}`
}

/** What noise a member would have, if any. */
function privacyText({ privacy }: RunManifest): string {
  return privacy.mechanism === 'none' ? 'no noise' : `epsilon ${privacy.epsilon} at most`
}

function modelText({ model }: RunManifest): string {
  return `${model.source} ${model.sha256.slice(0, 8)}…`
}

/** The most that any connected peer has of the run's chain; null if nobody answers, or nothing has been founded. */
async function standingOf({ network }: Entry, run: OfferedRun['run']): Promise<RunStanding | null> {
  const body = ChainRequest.encode({ run: fromHex(run)!, fromHeight: 1 })
  const options = { timeoutMs: ASK_MS, maxFrameBytes: FRAME_BYTES }
  const answers = network.peers().map(async peer => {
    let last: RunStanding | null = null
    let links = 0
    for await (const frame of network.request(peer, CHAIN_PROTOCOL, body, options)) {
      const { link } = Decision.decode(CertifiedLink.decode(frame).decision)
      if (link !== undefined) last = { members: link.members.length, completedRounds: link.completedRounds }
      if (++links === LINKS_MAX) break
    }
    return last
  })
  const standings = (await Promise.allSettled(answers)).flatMap(answer =>
    answer.status === 'fulfilled' && answer.value !== null ? [answer.value] : []
  )
  return standings.sort((a, b) => b.completedRounds - a.completedRounds)[0] ?? null
}
