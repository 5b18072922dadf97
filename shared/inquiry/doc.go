// Package inquiry holds the rules of the service: what a batch and an inquiry
// are, how far they have come, how a batch's counters follow from what is known
// of its inquiries, and which input is accepted.
//
// It would read the same on another cloud. It knows no database, no queue and no
// HTTP, and imports the standard library only.
package inquiry
