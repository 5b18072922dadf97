package simulation

import (
	"context"
	"sync"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

// warmUp makes the packages under test create what they create once per process: a
// channel that is created in one bubble cannot be used in the next.
var warmUp = sync.OnceFunc(func() {
	ctx := context.Background()
	s := store.New(table.New(tableName, time.Now), tableName, time.Now)
	if _, _, err := s.CreateLender(ctx, inquiry.Lender{ID: acme, Name: "A Lender"}); err != nil {
		panic(err)
	}
	member := memberOf(acme)
	if _, _, err := s.AddUser(ctx, store.User{ID: member.UserID, LenderID: acme, Role: member.Role}); err != nil {
		panic(err)
	}
	lender, err := s.Lender(ctx, acme)
	if err != nil {
		panic(err)
	}
	id, _, err := s.Submit(ctx, lender, inquiry.Submission{Submitter: member, Inquiries: []inquiry.Inquiry{{BusinessName: found}}})
	if err != nil {
		panic(err)
	}
	if _, _, err := s.Submitted(ctx, acme, id); err != nil {
		panic(err)
	}
	packed, err := report.Encode(report.Report{InquiryID: id.Inquiry(0)})
	if err != nil {
		panic(err)
	}
	if _, err := report.Decode(packed); err != nil {
		panic(err)
	}
})
