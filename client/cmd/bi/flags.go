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

// choice is a flag whose value is one of several words, in any case.
type choice struct {
	chosen  string
	options []string
}

func (c *choice) String() string { return c.chosen }
func (c *choice) Type() string   { return "word" }

func (c *choice) Set(text string) error {
	if c.chosen = strings.ToLower(text); !slices.Contains(c.options, c.chosen) {
		return fmt.Errorf("it must be one of %s", strings.Join(c.options, ", "))
	}
	return nil
}

// addChoice adds a flag to a command, with completion.
func addChoice(cmd *cobra.Command, c *choice, name, usage string) {
	cmd.Flags().Var(c, name, usage+": "+strings.Join(c.options, ", "))
	err := cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(c.options, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // only if the flag does not exist
	}
}

// statuses returns the statuses that a batch can have, in lower case.
func statuses() []string {
	var words []string
	for _, s := range []client.BatchStatus{
		client.BatchPending, client.BatchRunning, client.BatchCompleted,
		client.BatchPartialSuccess, client.BatchFailed, client.BatchCancelled,
	} {
		words = append(words, strings.ToLower(string(s)))
	}
	return words
}

// count is a flag whose value is a whole number, 1 or more.
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
