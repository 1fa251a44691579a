/** A thread that reads all of a store and writes it as a checkpoint: nobody waits for it. */
import { parentPort, workerData } from 'node:worker_threads'
import type { StoreLocation } from '../store/location.ts'
import { openStore } from '../store/open.ts'
import { openSnapshot } from '../store/sqlite/snapshot.ts'
import { rangeOf, type Snapshot } from '../store/store.ts'
import { CheckpointWriter, type CheckpointMark } from './checkpoint-file.ts'
import { BaseBuilder } from './mirror-base.ts'

/** What it is to do. */
export interface CheckpointTask extends CheckpointMark {
  readonly location: StoreLocation
  readonly path: string
}

async function write({ location, path, id, mark }: CheckpointTask): Promise<number> {
  await using opened = await openReader(location)
  await using snapshot = await opened.snapshot()
  using writer = new CheckpointWriter(path)
  const builder = new BaseBuilder(writer.sinks)
  for await (const entry of snapshot.entries) builder.add(entry)
  writer.end(builder.finish(snapshot.revision), { id, mark })
  return snapshot.revision
}

/** Another process, or another thread, has the file of SQLite open: it may be read beside that. */
async function openReader(location: StoreLocation): Promise<{ snapshot(): Promise<Snapshot> } & AsyncDisposable> {
  if (location.kind !== 'sqlite') return openStore(location)
  const snapshot = async (): Promise<Snapshot> => openSnapshot(location.path, { range: rangeOf(''), withoutLeased: true })
  return { snapshot, async [Symbol.asyncDispose]() {} }
}

parentPort!.postMessage(await write(workerData as CheckpointTask), [])
