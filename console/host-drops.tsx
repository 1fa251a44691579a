/** Packets that this host drops, as it drops them. */
import { useState } from 'preact/hooks'
import { ReasonLink } from './docs.tsx'
import { counted } from './names.ts'
import { useSeenDrops } from './host-api.ts'
import { Time } from './value.tsx'
import { SearchBox, Table } from './parts.tsx'

export function HostDropsPage() {
  const [isPaused, setPaused] = useState(false)
  const [search, setSearch] = useState('')
  const drops = useSeenDrops(isPaused)
  const found = drops.filter((drop) => JSON.stringify(drop).toLowerCase().includes(search.toLowerCase()))
  return (
    <>
      <div class="title">
        <h1>Drops</h1>
        <p class="hint">packets since the page was opened; of a fast source, a sample</p>
      </div>
      <div class="bar" role="search">
        <SearchBox label="Search the drops" placeholder="Search: reason, address, unit …" value={search} set={setSearch} />
        <button aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Go on' : 'Pause'}
        </button>
        <span class="hint" role="status">
          {counted(found.length, 'packet')}
        </span>
      </div>
      {found.length === 0 ? (
        <p class="nothing">Nothing was dropped yet.</p>
      ) : (
        <Table titles={['time', 'from', 'reason', 'packet', 'who decided']}>
          {found.slice(0, 200).map((drop, i) => (
            <tr key={`${drop.time} ${i}`}>
              <td>
                <Time iso={drop.time} />
              </td>
              <td>
                {drop.unit ?? '–'} {drop.port !== null && drop.port !== drop.unit && `(${drop.port})`}
              </td>
              <td>
                <ReasonLink reason={drop.reason} />
              </td>
              <td class="mono">
                {drop.packet}
                {drop.lost > 0 && <span class="hint"> and {drop.lost} more</span>}
              </td>
              <td>{drop.cause}</td>
            </tr>
          ))}
        </Table>
      )}
    </>
  )
}
