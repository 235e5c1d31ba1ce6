// The exports. The memory is imported as env.memory; ../kernel-control.ts says where what lies in it.

import { setScratch } from './arguments.ts'
import { runHere, runShared, serve } from './control.ts'

export { runHere, runShared, serve, setScratch }
