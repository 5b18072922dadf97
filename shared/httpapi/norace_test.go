//go:build !race

package httpapi_test

// allocationFactor is 1 without the race detector. See race_test.go.
const allocationFactor = 1
