/** cloud-init's NoCloud data: made from flags at creation, and put on a small disk labelled `cidata` at every start. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CloudInit } from './definition.ts'
import { VmError } from './vm-error.ts'

export interface CloudInitFlags {
  readonly id: string
  /** Texts of files. */
  readonly userData?: string | undefined
  readonly metaData?: string | undefined
  readonly networkConfig?: string | undefined
  readonly hostname?: string | undefined
  /** Public keys, one line each. */
  readonly sshKeys: readonly string[]
}

/** The data, or null when no flag asks for any. Throws VmError for flags that contradict each other. */
export function cloudInitOf({ id, userData, metaData, networkConfig, hostname, sshKeys }: CloudInitFlags): CloudInit | null {
  const generated = hostname !== undefined || sshKeys.length > 0
  if (metaData !== undefined && generated) {
    throw new VmError('EINVAL', '--meta-data excludes --hostname and --ssh-key, which are written into the same file; put them into yours')
  }
  if (userData === undefined && metaData === undefined && networkConfig === undefined && !generated) return null
  return {
    userData: userData ?? null,
    metaData: metaData ?? generateMetaData(id, hostname, sshKeys),
    networkConfig: networkConfig ?? null,
  }
}

/** JSON is YAML, and quotes whatever stands in a key or a name. */
function generateMetaData(id: string, hostname: string | undefined, sshKeys: readonly string[]): string {
  const data = {
    'instance-id': id,
    ...(hostname !== undefined && { 'local-hostname': hostname }),
    ...(sshKeys.length > 0 && { 'public-keys': sshKeys }),
  }
  return `${JSON.stringify(data, null, 2)}\n`
}

/** Write the disk. Throws VmError that says what to install. */
export async function writeSeed({ userData, metaData, networkConfig }: CloudInit, path: string): Promise<void> {
  const tree = mkdtempSync(`${path}.`)
  try {
    // cloud-init looks for both files; an empty user-data is fine.
    const files = { 'user-data': userData ?? '#cloud-config\n{}\n', 'meta-data': metaData, 'network-config': networkConfig }
    for (const [name, text] of Object.entries(files)) if (text !== null) writeFileSync(join(tree, name), text, { mode: 0o600 })
    rmSync(path, { force: true })
    const args = ['-as', 'mkisofs', '-quiet', '-output', path, '-volid', 'cidata', '-joliet', '-rational-rock', tree]
    await promisify(execFile)('xorriso', args, { timeout: 30_000 })
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') {
      throw new VmError(
        'failed',
        'the disk with cloud-init data is made by xorriso, which is not there; install it: apt-get install xorriso',
        { cause: error },
      )
    }
    throw new VmError('failed', `xorriso could not make ${path}: ${stderr.trim() || String(error)}`, { cause: error })
  } finally {
    rmSync(tree, { recursive: true, force: true })
  }
}
