package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/retry"
)

func TestPause(t *testing.T) {
	t.Parallel()
	t.Run("grows from 20 ms to half a second", func(t *testing.T) {
		t.Parallel()
		for attempt, longest := range map[int]time.Duration{
			0: 20 * time.Millisecond, 1: 40 * time.Millisecond, 4: 320 * time.Millisecond, 5: 500 * time.Millisecond, 1000: 500 * time.Millisecond,
		} {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var slowest time.Duration
				for range 200 {
					before := time.Now()
					if err := retry.Pause(t.Context(), attempt); err != nil {
						t.Fatal(err)
					}
					slowest = max(slowest, time.Since(before))
				}
				if slowest >= longest {
					t.Errorf("attempt %d: paused for %v, want less than %v", attempt, slowest, longest)
				}
				if time.Since(start) < 200*longest/4 {
					t.Errorf("attempt %d: 200 pauses took %v, want about %v", attempt, time.Since(start), 200*longest/2)
				}
			})
		}
	})
	t.Run("ends with the context", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := retry.Pause(ctx, 100); !errors.Is(err, context.Canceled) {
			t.Errorf("Pause() = %v, want context.Canceled", err)
		}
	})
}
