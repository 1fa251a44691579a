/** Why an API does not start. */

/** Something about the options or the machine that makes a start impossible. */
export class ApiStartRefused extends Error {}
