import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openEnergyMeter } from '../../../node/platform/energy-meter.ts'

describe('the energy of a machine', () => {
  let classFolder: string
  beforeEach(() => {
    classFolder = mkdtempSync(join(tmpdir(), 'fedpeft-energy-'))
  })
  afterEach(() => rmSync(classFolder, { recursive: true }))

  function write(folder: string, files: Readonly<Record<string, string | number>>): void {
    mkdirSync(join(classFolder, folder), { recursive: true })
    for (const [name, value] of Object.entries(files))
      writeFileSync(join(classFolder, folder, name), `${value}\n`)
  }

  it('is what all processor packages took, over the end of their counters too', async () => {
    const range = { max_energy_range_uj: 1_000_000_000 }
    write('powercap/intel-rapl:0', { name: 'package-0', energy_uj: 5_000_000, ...range })
    write('powercap/intel-rapl:1', { name: 'package-1', energy_uj: 999_000_000, ...range })
    write('powercap/intel-rapl:2', { name: 'psys', energy_uj: 0, ...range })
    write('powercap/intel-rapl:0:0', { name: 'core', energy_uj: 0, ...range })
    const meter = (await openEnergyMeter({ classFolder }))!
    expect(meter.description).to.contain('RAPL')
    expect(await meter.read()).to.equal(0)
    write('powercap/intel-rapl:0', { energy_uj: 8_000_000 })
    write('powercap/intel-rapl:1', { energy_uj: 2_000_000 })
    write('powercap/intel-rapl:2', { energy_uj: 77_000_000 })
    expect(await meter.read()).to.equal(6)
    expect(await meter.read()).to.equal(6)
  })

  it('is what the battery gives, where packages tell nothing', async () => {
    let nowMs = 0
    const nowOf = { classFolder, nowMs: () => nowMs }
    write('powercap/intel-rapl:0', { name: 'package-0' })
    write('power_supply/AC', { online: 0 })
    write('power_supply/BAT0', { status: 'Discharging', power_now: 10_000_000 })
    write('power_supply/BAT1', { status: 'Discharging', current_now: 500_000, voltage_now: 12_000_000 })
    const meter = (await openEnergyMeter(nowOf))!
    expect(meter.description).to.contain('battery')
    nowMs = 10_000
    // 16 W, then 20 W.
    write('power_supply/BAT0', { power_now: 14_000_000 })
    expect(await meter.read()).to.equal(180)
    nowMs = 20_000
    write('power_supply/BAT0', { status: 'Charging', power_now: 30_000_000 })
    write('power_supply/BAT1', { status: 'Full' })
    expect(await meter.read()).to.equal(280)
    nowMs = 30_000
    expect(await meter.read()).to.equal(280)
  })

  it('is not known where nothing tells', async () => {
    expect(await openEnergyMeter({ classFolder })).to.equal(null)
    write('power_supply/BAT0', { status: 'Discharging' })
    expect(await openEnergyMeter({ classFolder })).to.equal(null)
  })
})
