/** A point in time. */
export type Timestamp = Date
/** Any JSON value. */
export type Json = any
