/** TCP connections per second: open, one byte each way, close, one after the other. */
import { fileURLToPath } from 'node:url'
import { onCpu, type Bed } from '../bed.ts'
import type { Path } from '../peer.ts'

const tool = fileURLToPath(new URL('../tools/connections.ts', import.meta.url))

/** Connections per second. */
export async function connections(bed: Bed, path: Path, seconds: number): Promise<number> {
  const port = '7777'
  await using _server = await bed.serve(path.server, onCpu('server', [process.execPath, tool, 'server', path.address, port]), /listening/)
  const { stdout, stderr } = await bed.runAsync(
    path.client,
    onCpu('client', [process.execPath, tool, 'client', path.address, port, String(seconds)]),
  )
  const made = Number(stdout.trim())
  if (!Number.isFinite(made) || made === 0) throw new Error(`no connections to ${path.address}: ${stderr.slice(0, 300)}`)
  return made / seconds
}
