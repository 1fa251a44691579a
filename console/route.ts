/** Where in the console somebody is: the part of the address after `#`, so that links, history and bookmarks work. */
import { useEffect, useState } from 'preact/hooks'

export interface Route {
  /** `['vnics', 'ID', 'edit']` */
  readonly path: readonly string[]
  readonly query: URLSearchParams
}

/** The route of an address. */
export function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  return { path: path.split('/').filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) }
}

/** The address of a route. */
export function hrefOf(path: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const words = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString()
  return `#/${path.map(encodeURIComponent).join('/')}${words === '' ? '' : `?${words}`}`
}

/** Go there. */
export const go = (href: string): void => void (location.hash = href)

/** Change the address without a step of the history: what is typed into a search. */
export function replaceQuery(query: Readonly<Record<string, string>>): void {
  history.replaceState(null, '', hrefOf(routeOf(location.hash).path, query))
}

/** The route that is shown now. */
export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash))
  useEffect(() => {
    const take = (): void => setRoute(routeOf(location.hash))
    addEventListener('hashchange', take)
    return () => removeEventListener('hashchange', take)
  }, [])
  return route
}
