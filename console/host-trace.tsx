/** What would become of a packet on this host, stage by stage: the programs themselves are asked. */
import { useState } from 'preact/hooks'
import type { HostLook, TraceAnswer } from '#cli/console/questions.ts'
import { askHost } from './host-api.ts'

const inputs = [
  ['to', 'to', '10.0.0.5', 'destination of the packet'],
  ['from', 'from', '', 'an address of the port, unless given'],
  ['dport', 'port', '443', 'port of the destination'],
  ['mac', 'MAC', '', 'what the host answers, unless given'],
] as const

export function HostTracePage({ objects, query }: { objects: HostLook['objects']; query: URLSearchParams }) {
  const ports = objects.filter(({ type }) => type === 'vpcp')
  const [answer, setAnswer] = useState<TraceAnswer | undefined>()
  const [problem, setProblem] = useState<string | undefined>()
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    const words = Object.fromEntries(
      [...new FormData(event.target as HTMLFormElement)].map(([name, value]) => [name, String(value).trim()]),
    )
    try {
      setAnswer(await askHost<TraceAnswer>('trace', words))
      setProblem(undefined)
    } catch (error) {
      setAnswer(undefined)
      setProblem((error as Error).message)
    }
  }
  return (
    <>
      <div class="title">
        <h1>Trace</h1>
        <p class="hint">what the programs of this host would do with a packet; none moves, and nothing changes</p>
      </div>
      <form class="wide" onSubmit={submit}>
        <div class="members">
          <div class="field">
            <label for="port">sent by the interface in</label>
            <select id="port" name="port" value={query.get('port') ?? undefined}>
              {ports.map(({ id, unit, ...more }) => (
                <option key={id} value={id}>
                  {unit} {(more as { peerUnit?: string | null }).peerUnit ?? ''}
                </option>
              ))}
            </select>
          </div>
          <div class="field">
            <label for="protocol">protocol</label>
            <select id="protocol" name="protocol">
              {['icmp', 'tcp', 'udp'].map((word) => (
                <option key={word}>{word}</option>
              ))}
            </select>
          </div>
          {inputs.map(([name, text, placeholder, help]) => (
            <div class="field" key={name}>
              <label for={name}>{text}</label>
              <input id={name} name={name} class="mono" placeholder={placeholder} aria-describedby={`${name}-help`} autocomplete="off" />
              <p class="hint" id={`${name}-help`}>
                {help}
              </p>
            </div>
          ))}
        </div>
        <div class="bar">
          <button class="main" disabled={ports.length === 0}>
            Trace
          </button>
          {ports.length === 0 && <span class="hint">This host has no port.</span>}
        </div>
      </form>
      {problem !== undefined && (
        <div class="problem" role="alert">
          <strong>It was not traced</strong>
          <p>{problem}</p>
        </div>
      )}
      {answer && <Steps answer={answer} />}
    </>
  )
}

function Steps({ answer: { packet, steps, end, isDropped } }: { answer: TraceAnswer }) {
  return (
    <section aria-live="polite">
      <h2 class={`verdict ${isDropped ? 'bad' : 'good'}`}>{end}</h2>
      <p class="mono">{packet}</p>
      <ol class="hops">
        {steps.map(({ stage, verdict, text, remedy }, i) => (
          <li key={i} class={verdict === 'drop' ? 'no obstacle' : 'yes'}>
            <span class="stage">{stage}</span>
            <span>
              {text}
              {remedy !== undefined && <span class="hint"> To change it: {remedy}</span>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  )
}
