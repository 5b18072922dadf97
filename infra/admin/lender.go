package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func lenderCommand(run runner) *cobra.Command {
	var id, name string
	var batchMax, newMax, openMax, newOpen int
	lender := group("lender", "Lenders: the organisations that submit batches")

	create := command("create", "Create a lender", run(func(ctx context.Context, a *admin) (result, error) {
		return a.createLender(ctx, inquiry.Lender{ID: inquiry.LenderID(id), Name: name, BatchMax: batchMax, OpenMax: openMax})
	}), map[string]*string{"id": &id, "name": &name})
	create.Flags().IntVar(&batchMax, "batch-max", 0, fmt.Sprintf("inquiries in one batch at the most (default %d)", inquiry.DefaultBatchMax))

	create.Flags().IntVar(&openMax, "open-max", 0, fmt.Sprintf("inquiries in all unfinished batches at the most (default %d)", inquiry.DefaultOpenMax))

	limit := command("set-batch-max", "Change how many inquiries one batch may hold", run(func(ctx context.Context, a *admin) (result, error) {
		return a.changeLender(ctx, inquiry.LenderID(id), func(id inquiry.LenderID) (bool, error) {
			return a.access.SetBatchMax(ctx, id, newMax)
		})
	}), map[string]*string{"id": &id})
	limit.Flags().IntVar(&newMax, "batch-max", inquiry.DefaultBatchMax, "inquiries in one batch at the most")

	room := command("set-open-max", "Change how many inquiries all unfinished batches may hold", run(func(ctx context.Context, a *admin) (result, error) {
		return a.changeLender(ctx, inquiry.LenderID(id), func(id inquiry.LenderID) (bool, error) {
			return a.access.SetOpenMax(ctx, id, newOpen)
		})
	}), map[string]*string{"id": &id})
	room.Flags().IntVar(&newOpen, "open-max", inquiry.DefaultOpenMax, "inquiries in all unfinished batches at the most; one batch of the largest size is always possible")

	lender.AddCommand(create, limit, room,
		command("show", "Show a lender", run(func(ctx context.Context, a *admin) (result, error) {
			return a.showLender(ctx, inquiry.LenderID(id))
		}), map[string]*string{"id": &id}),
		command("suspend", "Deny the service to a lender's users and keys, within five minutes", run(func(ctx context.Context, a *admin) (result, error) {
			return a.changeLender(ctx, inquiry.LenderID(id), func(id inquiry.LenderID) (bool, error) { return a.access.SuspendLender(ctx, id) })
		}), map[string]*string{"id": &id}),
		command("resume", "End a lender's suspension", run(func(ctx context.Context, a *admin) (result, error) {
			return a.changeLender(ctx, inquiry.LenderID(id), func(id inquiry.LenderID) (bool, error) { return a.access.ResumeLender(ctx, id) })
		}), map[string]*string{"id": &id}),
	)
	return lender
}

// lenderData is a lender as a program reads it.
type lenderData struct {
	LenderID   inquiry.LenderID     `json:"lenderId"`
	Name       string               `json:"name"`
	Status     inquiry.AccessStatus `json:"status"`
	BatchMax   int                  `json:"batchMax"`
	BatchCount int                  `json:"batchCount"`
	OpenMax    int                  `json:"openMax"`
	Open       int                  `json:"open"`
}

// describe returns a result that shows the lender after the given words.
func describe(words string, l inquiry.Lender) result {
	return result{
		text: fmt.Sprintf("%s: lender %s %q, %s, at most %d inquiries a batch and %d open, %d batches so far",
			words, l.ID, l.Name, l.Status, l.BatchMax, l.OpenMax, l.BatchCount),
		data: lenderData{l.ID, l.Name, l.Status, l.BatchMax, l.BatchCount, l.OpenMax, l.Open},
	}
}

// createLender creates a lender and has the gateway count their requests. One
// that exists is never changed: if it is as asked for, that is a success.
func (a *admin) createLender(ctx context.Context, l inquiry.Lender) (result, error) {
	if a.plan == "" {
		return result{}, errors.New("no usage plan named: give --stack or --usage-plan, or set USAGE_PLAN_ID")
	}
	stored, created, err := a.access.CreateLender(ctx, l)
	if err != nil {
		return result{}, err
	}
	words := "created"
	if !created {
		if err := asAskedFor(stored, l); err != nil {
			return result{}, err
		}
		words = "exists already"
	}
	if err := a.countRequests(ctx, l.ID); err != nil {
		return result{}, fmt.Errorf("the lender is stored, and cannot get through the gateway yet: %w; run the same command again to finish", err)
	}
	return describe(words, stored), nil
}

// asAskedFor says what to do about a lender that exists and is another than the
// one that was asked for.
func asAskedFor(stored, l inquiry.Lender) error {
	if stored.Name != l.Name {
		return fmt.Errorf("lender %s exists with the name %q; choose another --id, or repeat that name", l.ID, stored.Name)
	}
	if l.BatchMax != 0 && stored.BatchMax != l.BatchMax {
		return fmt.Errorf("lender %s exists with a batch limit of %d; change it with: admin lender set-batch-max --id %s --batch-max %d",
			l.ID, stored.BatchMax, l.ID, l.BatchMax)
	}
	if l.OpenMax != 0 && stored.OpenMax != max(l.OpenMax, stored.BatchMax) {
		return fmt.Errorf("lender %s exists with a limit of %d open inquiries; change it with: admin lender set-open-max --id %s --open-max %d",
			l.ID, stored.OpenMax, l.ID, l.OpenMax)
	}
	return nil
}

func (a *admin) showLender(ctx context.Context, id inquiry.LenderID) (result, error) {
	l, err := a.access.Lender(ctx, id)
	if err != nil {
		return result{}, explainLender(id, err)
	}
	return describe("found", l), nil
}

// changeLender makes one change, which may have been made before, and shows the
// lender after it.
func (a *admin) changeLender(ctx context.Context, id inquiry.LenderID, change func(inquiry.LenderID) (bool, error)) (result, error) {
	changed, err := change(id)
	if err != nil {
		return result{}, explainLender(id, err)
	}
	l, err := a.access.Lender(ctx, id)
	if err != nil {
		return result{}, err
	}
	if !changed {
		return describe("nothing to change", l), nil
	}
	return describe("changed", l), nil
}

// explainLender says what to do about a lender that does not exist.
func explainLender(id inquiry.LenderID, err error) error {
	if errors.Is(err, inquiry.ErrNotFound) {
		return fmt.Errorf("there is no lender %s; create it with: admin lender create --id %s --name …", id, id)
	}
	return err
}
