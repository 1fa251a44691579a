/** The id of a lease: 64 bits, in decimal. */
declare const leaseId: unique symbol
export type LeaseId = string & { readonly [leaseId]: true }
