/** The routes of a router: vpcd refuses a route that the router cannot use. */
import { formatRoute, routePlace, type Route } from '#abi/route.ts'
import { formatPrefix } from '#wire/prefix.ts'
import type { Context } from '../context.ts'
import { unitName, type Router } from '../store/model.ts'
import { routeProblem, routesByPlace, touchRoutes } from '../store/routing.ts'
import { touchRoutedVteps } from '../store/touch-routing.ts'
import type { Transaction } from '../store/transaction.ts'
import { checkFloatsOf, dropDeadFloats } from './nat-floats.ts'

/** Number of routes that a router takes: each change writes all of them. */
export const maxRoutes = 4096

/** Give a router other routes. */
export function setRoutes(context: Context, tx: Transaction, router: Router, asked: readonly Route[]): void {
  const twice = asked.find((route, i) => asked.findIndex((other) => routePlace(other) === routePlace(route)) !== i)
  if (twice !== undefined) tx.refuse('EINVAL', `${formatPrefix(twice.prefix)} of table ${twice.table} stands there twice`, 'give it once')
  replace(context, tx, router, asked)
}

function replace(context: Context, tx: Transaction, router: Router, routes: readonly Route[]): void {
  if (routes.length > maxRoutes)
    tx.refuse('E2BIG', `a router takes ${maxRoutes} routes, not ${routes.length}`, 'join prefixes that go to the same place')
  change(context, tx, router, routes)
  checkRoutes(context, tx, router)
}

function change({ model }: Context, tx: Transaction, router: Router, routes: readonly Route[]): void {
  const touch = (): void => {
    touchRoutes(tx, router)
    touchRoutedVteps(tx, model, router)
  }
  touch()
  tx.set(router, 'routes', routes)
  touch()
  tx.dirty.records.add(router)
}

/** Add routes, each in place of the one with its table and prefix. */
export function addRoutes(context: Context, tx: Transaction, router: Router, routes: readonly Route[]): void {
  tx.asked = `set routes of router ${unitName(router)}`
  replace(context, tx, router, [...new Map([...routesByPlace(router.routes), ...routesByPlace(routes)]).values()])
}

/** Delete routes by table and prefix. */
export function deleteRoutes(context: Context, tx: Transaction, router: Router, routes: readonly Route[]): void {
  tx.asked = `delete routes of router ${unitName(router)}`
  const left = routesByPlace(router.routes)
  for (const route of routes)
    if (!left.delete(routePlace(route))) tx.refuse('ENOENT', `it has no route for ${formatPrefix(route.prefix)} in table ${route.table}`)
  replace(context, tx, router, [...left.values()])
}

/** Refuse a change that leaves a route without a next hop, or a floating address without its station. */
export function checkRoutes(context: Context, tx: Transaction, router: Router): void {
  for (const route of router.routes) {
    const problem = routeProblem(context.model, router, route)
    if (problem !== undefined) tx.refuse('EINVAL', `route '${formatRoute(route)}' of ${unitName(router)}: ${problem[0]}`, problem[1])
  }
  checkFloatsOf(context, tx, router)
}

/** Delete routes whose next hop is gone, and floating addresses whose station's subnet is. */
export function dropDeadRoutes(context: Context, tx: Transaction, router: Router): void {
  const left = router.routes.filter((route) => routeProblem(context.model, router, route) === undefined)
  if (left.length < router.routes.length) change(context, tx, router, left)
  dropDeadFloats(context, tx, router)
}
