import type { Tensor } from '@tensorflow/tfjs-core'
import type { Activation, Backend } from '../backend.ts'
import * as check from '../shape-checks.ts'
import type { Tfjs, TfjsDevice } from './tfjs-device.ts'

type GateKernels = Pick<Backend, 'activate' | 'activateGradient' | 'gate' | 'gateGradient'>

export function gateKernels(device: TfjsDevice): GateKernels {
  const { tf } = device
  return {
    activate: (kind, x) => device.run('activate', run => run.output(activation(tf, kind, run.input(x)))),

    activateGradient: (kind, dy, x) =>
      device.run('activateGradient', run => {
        check.checkSame('activateGradient', dy, x)
        return run.output(tf.mul(run.input(dy), activationAndSlope(tf, kind, run.input(x)).slope))
      }),

    gate: (kind, gate, up) =>
      device.run('gate', run => {
        check.checkSame('gate', gate, up)
        return run.output(tf.mul(activation(tf, kind, run.input(gate)), run.input(up)))
      }),

    gateGradient: (kind, dy, gate, up) =>
      device.run('gateGradient', run => {
        check.checkSame('gateGradient', dy, gate, up)
        const { y, slope } = activationAndSlope(tf, kind, run.input(gate))
        const dGate = tf.mul(tf.mul(run.input(dy), run.input(up)), slope)
        return { gate: run.output(dGate), up: run.output(tf.mul(run.input(dy), y)) }
      })
  }
}

function activation(tf: Tfjs, kind: Activation, x: Tensor): Tensor {
  switch (kind) {
    case 'silu':
      return tf.mul(x, tf.sigmoid(x))
    case 'gelu':
      return tf.mul(x, shareBelow(tf, x))
    case 'gelu-tanh':
      return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(tanhArgument(tf, x)), 1))
    case 'relu':
      return tf.relu(x)
  }
}

/** The activation and its derivative, which share most of their work. */
function activationAndSlope(tf: Tfjs, kind: Activation, x: Tensor): { y: Tensor; slope: Tensor } {
  switch (kind) {
    case 'silu': {
      const share = tf.sigmoid(x)
      const y = tf.mul(x, share)
      return { y, slope: tf.add(share, tf.mul(y, tf.sub(1, share))) }
    }
    case 'gelu': {
      const share = shareBelow(tf, x)
      const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
      return { y: tf.mul(x, share), slope: tf.add(share, tf.mul(x, density)) }
    }
    case 'gelu-tanh': {
      const tanh = tf.tanh(tanhArgument(tf, x))
      const share = tf.mul(tf.add(tanh, 1), 0.5)
      // Half of x times the derivative of the argument.
      const reach = tf.mul(x, tf.add(tf.mul(tf.square(x), 1.5 * tanhScale * tanhCube), 0.5 * tanhScale))
      return { y: tf.mul(x, share), slope: tf.add(share, tf.mul(reach, tf.sub(1, tf.square(tanh)))) }
    }
    case 'relu':
      return { y: tf.relu(x), slope: tf.step(x) }
  }
}

/** The share of a standard normal distribution below x. */
function shareBelow(tf: Tfjs, x: Tensor): Tensor {
  return tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5)
}

const tanhScale = Math.sqrt(2 / Math.PI)
const tanhCube = 0.044715

/** tanhScale (x + tanhCube x³): Hendrycks and Gimpel 2016, arXiv:1606.08415. */
function tanhArgument(tf: Tfjs, x: Tensor): Tensor {
  return tf.mul(x, tf.add(tf.mul(tf.square(x), tanhScale * tanhCube), tanhScale))
}
