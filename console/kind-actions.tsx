/** What can be done with some kinds besides changing their fields. */
import type { ComponentType } from 'preact'
import { useState } from 'preact/hooks'
import { ask, problemOf, type ProblemBody, type Resource } from './api.ts'
import { noteWritten, useCollections } from './live.ts'
import { labelOf } from './names.ts'
import { Copyable, Dialog, ProblemBox } from './parts.tsx'

type Actions = ComponentType<{ resource: Resource }>

const table: Readonly<Record<string, Actions>> = { host: HostActions, vnic: VnicActions }

/** Buttons for a kind; most have none. */
export const actionsOf = (kind: string): Actions | undefined => table[kind]

/** Do something, and note what went wrong. */
function useTask(): { problem: ProblemBody | undefined; run: (task: () => Promise<void>) => void; forget: () => void } {
  const [problem, setProblem] = useState<ProblemBody | undefined>()
  const run = (task: () => Promise<void>): void => {
    setProblem(undefined)
    void task().catch((error: unknown) => setProblem(problemOf(error)))
  }
  return { problem, run, forget: () => setProblem(undefined) }
}

function Trouble({ problem, close }: { problem: ProblemBody | undefined; close: () => void }) {
  if (problem === undefined) return null
  return (
    <Dialog title="It was not done" close={close}>
      <ProblemBox problem={problem} />
      <button onClick={close}>Close</button>
    </Dialog>
  )
}

function HostActions({ resource }: { resource: Resource }) {
  const { problem, run, forget } = useTask()
  const [invitation, setInvitation] = useState<{ command: string; expires: string } | undefined>()
  const path = `/hosts/${resource.id}`
  const isDraining = ['draining', 'drained'].includes(resource.state)
  const refresh = async (): Promise<void> => noteWritten(await ask<Resource>('GET', path))
  const setDrain = (): void => run(async () => void (await ask(isDraining ? 'DELETE' : 'POST', `${path}/drain`), await refresh()))
  return (
    <>
      <button onClick={() => run(async () => setInvitation(await ask('POST', `${path}/token`)))}>Join command</button>
      <button onClick={setDrain}>{isDraining ? 'Take guests again' : 'Drain'}</button>
      {invitation && (
        <Dialog title={`On the machine that shall be ${labelOf(resource)}`} close={() => setInvitation(undefined)}>
          <p>As root, within the hour. The token is good for one machine, and shown this once.</p>
          <Copyable text={invitation.command} />
          <p>
            then <code>vpc agent run</code>
          </p>
          <button onClick={() => setInvitation(undefined)}>Close</button>
        </Dialog>
      )}
      <Trouble problem={problem} close={forget} />
    </>
  )
}

function VnicActions({ resource }: { resource: Resource }) {
  const { problem, run, forget } = useTask()
  const [isAsking, setAsking] = useState(false)
  const hosts = [...useCollections(['host'])('host').items.values()]
  const path = `/vnics/${resource.id}`
  const refresh = async (): Promise<void> => noteWritten(await ask<Resource>('GET', path))
  const plug = (event: Event): void => {
    event.preventDefault()
    const form = new FormData(event.target as HTMLFormElement)
    setAsking(false)
    run(
      async () => void (await ask('PUT', `${path}/binding`, { body: { host: form.get('host'), unit: form.get('unit') } }), await refresh()),
    )
  }
  if (resource.binding !== null)
    return (
      <>
        <button onClick={() => run(async () => void (await ask('DELETE', `${path}/binding`), await refresh()))}>Unplug</button>
        <Trouble problem={problem} close={forget} />
      </>
    )
  return (
    <>
      {hosts.length > 0 && <button onClick={() => setAsking(true)}>Plug in</button>}
      {isAsking && (
        <Dialog title={`Plug ${labelOf(resource)} in`} close={() => setAsking(false)}>
          <form onSubmit={plug}>
            <label>
              Host
              <select name="host">
                {hosts.map((host) => (
                  <option key={host.id} value={host.id}>
                    {labelOf(host)} ({host.state})
                  </option>
                ))}
              </select>
            </label>
            <label>
              Interface
              <select name="unit">
                <option value="hostif">hostif: for a container</option>
                <option value="vmnic">vmnic: for a virtual machine</option>
              </select>
            </label>
            <div class="bar">
              <button class="main">Plug in</button>
              <button type="button" onClick={() => setAsking(false)}>
                Leave it
              </button>
            </div>
          </form>
        </Dialog>
      )}
      <Trouble problem={problem} close={forget} />
    </>
  )
}
