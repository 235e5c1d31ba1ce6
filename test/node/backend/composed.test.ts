import { openCpuBackend } from '../../../node/backend/composed/cpu-backend.ts'
import { describeBackend } from './conformance/backend.ts'

describeBackend('cpu', openCpuBackend)
