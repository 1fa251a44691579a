/** Asks libvirt by its own command, virsh. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { text } from '../option.ts'

export const connectOption = text("URI of libvirt's daemon", 'URI').default('qemu:///system')

/** Output of a command that must succeed. Throws a Failure with what virsh said. */
export function virsh(uri: string, args: readonly string[]): string {
  const env = { ...process.env, LC_ALL: 'C' }
  const { error, status, stdout, stderr } = spawnSync('virsh', ['--quiet', '--connect', uri, ...args], {
    encoding: 'utf8',
    env,
    timeout: 60_000,
  })
  if (error !== undefined) throw new Failure('failed', `cannot run virsh: ${error.message}; install libvirt-clients`)
  if (status === 0) return stdout.trim()
  throw new Failure(
    'failed',
    `virsh ${args[0]}: ${stderr
      .trim()
      .replace(/^error: /gm, '')
      .replaceAll('\n', '; ')}`,
  )
}

/** Plug an interface into a running domain. virsh reads files alone. */
export function attachDevice(uri: string, uuid: string, xml: string): void {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-libvirt-'))
  try {
    const file = join(directory, 'interface.xml')
    writeFileSync(file, xml)
    virsh(uri, ['attach-device', uuid, file, '--live'])
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** A domain that runs, by its name or UUID. */
export function runningDomain(uri: string, given: string): { readonly uuid: string; readonly name: string } {
  const uuid = virsh(uri, ['domuuid', given])
  const state = virsh(uri, ['domstate', uuid])
  if (state !== 'running' && state !== 'paused')
    throw new Failure('failed', `domain ${given} does not run (${state}); its metadata says which interfaces it has when it starts`)
  return { uuid, name: virsh(uri, ['domname', uuid]) }
}

/** MAC addresses of a domain's interfaces now. */
export const macsOf = (uri: string, uuid: string): string[] =>
  virsh(uri, ['domiflist', uuid])
    .split('\n')
    .flatMap((line) => line.trim().split(/\s+/).at(-1) || [])
