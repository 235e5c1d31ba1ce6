import type { Backend } from '../backend.ts'
import * as check from '../shape-checks.ts'
import type { KernelDevice } from './device.ts'
import { copyColumnsKernel, gatherGradientKernel, gatherKernel } from './kernel-ids.ts'

type RowKernels = Pick<Backend, 'gather' | 'gatherGradient' | 'splitColumns' | 'joinColumns' | 'joinRows'>

export function rowKernels(device: KernelDevice): RowKernels {
  return {
    gather(table, indices) {
      const [rows, columns] = check.matrixShape('gather', table)
      check.checkIndices('gather', indices, rows)
      const from = device.at('gather', table)
      return device.withIndices(indices, at => {
        const y = device.make([indices.length, columns])
        const to = device.at('gather', y)
        device.runRows(gatherKernel, indices.length, columns, to, from, at, columns, indices.length)
        return y
      })
    },

    gatherGradient(dy, indices, rows) {
      const [count, columns] = check.matrixShape('gatherGradient', dy)
      if (count !== indices.length) throw check.misfit('gatherGradient', dy, { shape: [indices.length] })
      check.checkIndices('gatherGradient', indices, rows)
      const from = device.at('gatherGradient', dy)
      return device.withIndices(indices, at => {
        const y = device.make([rows, columns])
        const to = device.at('gatherGradient', y)
        device.runRows(gatherGradientKernel, rows, columns, to, from, at, columns, count, rows)
        return y
      })
    },

    splitColumns(x, widths) {
      const [rows, columns] = check.matrixShape('splitColumns', x)
      if (widths.reduce((sum, width) => sum + width, 0) !== columns)
        throw check.misfit('splitColumns', x, { shape: widths })
      let from = device.at('splitColumns', x)
      const parts = device.makeAll(widths.map(width => [rows, width]))
      for (const [i, width] of widths.entries()) {
        const to = device.at('splitColumns', parts[i]!)
        device.runRows(copyColumnsKernel, rows, width, to, 4 * width, from, 4 * columns, 4 * width, rows)
        from += 4 * width
      }
      return parts
    },

    joinColumns(parts) {
      check.checkJoined('joinColumns', parts, 1)
      const sources = parts.map(part => device.at('joinColumns', part))
      const rows = parts[0]!.shape[0]!
      const columns = parts.reduce((sum, { shape }) => sum + shape[1]!, 0)
      const y = device.make([rows, columns])
      let to = device.at('joinColumns', y)
      for (const [i, { shape }] of parts.entries()) {
        const width = shape[1]!
        device.runRows(
          copyColumnsKernel,
          rows,
          width,
          to,
          4 * columns,
          sources[i]!,
          4 * width,
          4 * width,
          rows
        )
        to += 4 * width
      }
      return y
    },

    joinRows(parts) {
      check.checkJoined('joinRows', parts, 0)
      const sources = parts.map(part => device.at('joinRows', part))
      const columns = parts[0]!.shape[1]!
      const y = device.make([parts.reduce((sum, { shape }) => sum + shape[0]!, 0), columns])
      let to = device.at('joinRows', y)
      for (const [i, { shape }] of parts.entries()) {
        const rows = shape[0]!
        const bytes = 4 * columns
        device.runRows(copyColumnsKernel, rows, columns, to, bytes, sources[i]!, bytes, bytes, rows)
        to += rows * bytes
      }
      return y
    }
  }
}
