// Checks a file of evidence by hand: node scripts/check-evidence.ts RUN-FOLDER FILE (docs/blame.md).
import { relative } from 'node:path'
import { checkEvidenceFile } from '../node/peer/evidence-file.ts'
import { nodeCrypto } from '../node/platform/node-crypto.ts'
import { nodeFiles } from '../node/platform/node-files.ts'

const [folder, file] = process.argv.slice(2)
if (folder === undefined || file === undefined) {
  process.stderr.write('usage: node scripts/check-evidence.ts RUN-FOLDER FILE\n')
  process.exit(2)
}
const verdict = await checkEvidenceFile(nodeFiles(folder), relative(folder, file), nodeCrypto())
if (verdict.holds) {
  const { culprit, kind, what, round, attempt } = verdict.evidence
  process.stdout.write(`${culprit}\n${kind}, round ${round + 1}, attempt ${attempt + 1}: ${what}\n`)
} else {
  process.stdout.write(`it shows nothing: ${verdict.reason}\n`)
  process.exitCode = 1
}
