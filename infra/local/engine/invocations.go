package engine

import (
	"os"
	"regexp"
)

var mappedInvocation = regexp.MustCompile(`ESM: Lambda (\S+) processed`)

// Invocations counts, by function, the invocations by a queue or a stream that
// succeeded so far. It reads them out of the engine's log.
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
