package engine

import (
	"os"
	"regexp"
)

var mappedInvocation = regexp.MustCompile(`ESM: Lambda (\S+) processed`)

// Invocations returns, for each function, the number of invocations by a queue or
// a stream that have succeeded so far. It reads them from the engine's log.
func (e *Engine) Invocations() map[string]int {
	count := map[string]int{}
	log, err := os.ReadFile(e.process.log)
	if err != nil {
		return count
	}
	for _, match := range mappedInvocation.FindAllSubmatch(log, -1) {
		count[string(match[1])]++
	}
	return count
}
