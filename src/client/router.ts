/** A router: joins subnets of one switch, on every host. Its settings come from src/abi/settings.ts. */
import { formatRoute, parseRoute, type Route } from '#abi/route.ts'
import { withSettings } from './setting.ts'
import { parsed } from './text.ts'

const routesOf = (texts: readonly string[]): Route[] => texts.map((text) => parsed(parseRoute(text)))

export class Router extends withSettings('vpcrtr') {
  /**
   * Add routes (`10.9.0.0/16 via 10.1.0.5`), each in place of the one with its table and prefix: all or none. Throws
   * EINVAL for a route without a next hop.
   */
  async addRoutes(routes: readonly string[]): Promise<void> {
    if (routes.length > 0) await this.call('vpcrtrRouteSet', routesOf(routes))
  }

  /** Delete routes by table and prefix: all or none. Throws ENOENT for one that is not there. */
  async deleteRoutes(routes: readonly string[]): Promise<void> {
    if (routes.length > 0) await this.call('vpcrtrRouteDelete', routesOf(routes))
  }

  /** All routes but those to its subnets. */
  async listRoutes(): Promise<string[]> {
    return (await this.call('vpcrtrRouteList', undefined)).map(formatRoute)
  }
}
