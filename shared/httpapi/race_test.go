//go:build race

package httpapi_test

// allocationFactor is how much more a test may allocate under the race detector, which
// keeps values on the heap that are otherwise on the stack.
const allocationFactor = 2
