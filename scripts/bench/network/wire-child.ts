// One run in a process of its own, so that the next one finds the memory free: node wire-child.ts SETTING, as JSON.
import { wireResult } from './wire.ts'
import { type WireSetting, wireRun } from './wire-run.ts'

const setting = JSON.parse(process.argv[2]!) as WireSetting
console.log(JSON.stringify(wireResult(setting, await wireRun(setting, line => console.error(line)))))
process.exit(0)
