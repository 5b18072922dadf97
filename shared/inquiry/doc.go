// Package inquiry has the rules of the service: what a batch and an inquiry are,
// which statuses they have, how a batch's counters follow from its inquiries, and
// which input is accepted.
//
// It would be the same on another cloud. It knows nothing about databases, queues or
// HTTP, and imports only the standard library and the constants of package deployment.
package inquiry
