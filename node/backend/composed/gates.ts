import type { Tensor } from '@tensorflow/tfjs-core'
import type { Activation, Backend } from '../backend.ts'
import * as check from '../shape-checks.ts'
import type { TfjsDevice } from './tfjs-device.ts'

type GateKernels = Pick<Backend, 'activate' | 'activateGradient' | 'gate' | 'gateGradient'>

export function gateKernels(device: TfjsDevice): GateKernels {
  const { tf } = device
  return {
    activate: (kind, x) => device.run('activate', run => run.output(activation(device, kind, run.input(x)))),

    activateGradient: (kind, dy, x) =>
      device.run('activateGradient', run => {
        check.checkSame('activateGradient', dy, x)
        return run.output(tf.mul(run.input(dy), activationAndSlope(device, kind, run.input(x)).slope))
      }),

    gate: (kind, gate, up) =>
      device.run('gate', run => {
        check.checkSame('gate', gate, up)
        return run.output(tf.mul(activation(device, kind, run.input(gate)), run.input(up)))
      }),

    gateGradient: (kind, dy, gate, up) =>
      device.run('gateGradient', run => {
        check.checkSame('gateGradient', dy, gate, up)
        const { y, slope } = activationAndSlope(device, kind, run.input(gate))
        const dGate = tf.mul(tf.mul(run.input(dy), run.input(up)), slope)
        return { gate: run.output(dGate), up: run.output(tf.mul(run.input(dy), y)) }
      })
  }
}

function activation(device: TfjsDevice, kind: Activation, x: Tensor): Tensor {
  const { tf } = device
  switch (kind) {
    case 'silu':
      return tf.mul(x, tf.sigmoid(x))
    case 'gelu':
      return tf.mul(x, shareBelow(device, x))
    case 'gelu-tanh':
      return tf.mul(tf.mul(x, device.scalar(0.5)), tf.add(tf.tanh(tanhArgument(device, x)), device.scalar(1)))
    case 'relu':
      return tf.relu(x)
  }
}

/** The activation and its derivative, which share most of their work. */
function activationAndSlope(device: TfjsDevice, kind: Activation, x: Tensor): { y: Tensor; slope: Tensor } {
  const { tf } = device
  switch (kind) {
    case 'silu': {
      const share = tf.sigmoid(x)
      const y = tf.mul(x, share)
      return { y, slope: tf.add(share, tf.sub(y, tf.mul(y, share))) }
    }
    case 'gelu': {
      const share = shareBelow(device, x)
      const density = tf.mul(
        tf.exp(tf.mul(tf.square(x), device.scalar(-0.5))),
        device.scalar(1 / Math.sqrt(2 * Math.PI))
      )
      return { y: tf.mul(x, share), slope: tf.add(share, tf.mul(x, density)) }
    }
    case 'gelu-tanh': {
      const tanh = tf.tanh(tanhArgument(device, x))
      const share = tf.mul(tf.add(tanh, device.scalar(1)), device.scalar(0.5))
      // Half of x times the derivative of the argument.
      const reach = tf.mul(x, parabola(device, x, 0.5 * tanhScale, 1.5 * tanhScale * tanhCube))
      return {
        y: tf.mul(x, share),
        slope: tf.add(share, tf.mul(reach, tf.sub(device.scalar(1), tf.square(tanh))))
      }
    }
    case 'relu':
      return { y: tf.relu(x), slope: tf.step(x) }
  }
}

/** The share of a standard normal distribution below x. */
function shareBelow(device: TfjsDevice, x: Tensor): Tensor {
  const { tf } = device
  return tf.mul(tf.add(tf.erf(tf.mul(x, device.scalar(Math.SQRT1_2))), device.scalar(1)), device.scalar(0.5))
}

const tanhScale = Math.sqrt(2 / Math.PI)
const tanhCube = 0.044715

/** tanhScale (x + tanhCube x³): Hendrycks and Gimpel 2016, arXiv:1606.08415. */
function tanhArgument(device: TfjsDevice, x: Tensor): Tensor {
  return device.tf.mul(x, parabola(device, x, tanhScale, tanhScale * tanhCube))
}

/** a + b x². */
function parabola(device: TfjsDevice, x: Tensor, a: number, b: number): Tensor {
  const { tf } = device
  return tf.add(tf.mul(tf.square(x), device.scalar(b)), device.scalar(a))
}
