package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/client"
)

// word is a flag that takes one of a few words, in upper or lower case.
type word struct {
	chosen string
	of     []string
}

func (w *word) String() string { return w.chosen }
func (w *word) Type() string   { return "word" }

func (w *word) Set(text string) error {
	if w.chosen = strings.ToLower(text); !slices.Contains(w.of, w.chosen) {
		return fmt.Errorf("it must be one of %s", strings.Join(w.of, ", "))
	}
	return nil
}

// wordFlag adds a flag for w to a command, with completion.
func wordFlag(cmd *cobra.Command, w *word, name, usage string) {
	cmd.Flags().Var(w, name, usage+": "+strings.Join(w.of, ", "))
	err := cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(w.of, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // only for a flag that does not exist
	}
}

// statuses are the words for what a batch's status may be.
func statuses() []string {
	var words []string
	for _, s := range []client.Status{
		client.StatusPending, client.StatusRunning, client.StatusCompleted,
		client.StatusPartialSuccess, client.StatusFailed, client.StatusCancelled,
	} {
		words = append(words, strings.ToLower(string(s)))
	}
	return words
}

// count is a flag that takes a number of things.
type count int

func (c *count) String() string { return strconv.Itoa(int(*c)) }
func (c *count) Type() string   { return "number" }

func (c *count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return errors.New("it must be a whole number, 1 or more")
	}
	*c = count(n)
	return nil
}
