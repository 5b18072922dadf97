package access_test

import (
	"errors"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/access"
	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func TestAdmit(t *testing.T) {
	t.Parallel()

	type change func(*store.User, *inquiry.Lender)
	for name, c := range map[string]struct {
		change    change
		want      auth.Role // empty if there is an error
		suspended bool
	}{
		"an active member":                          {want: auth.RoleMember},
		"an active viewer":                          {change: func(u *store.User, _ *inquiry.Lender) { u.Role = "viewer" }, want: auth.RoleViewer},
		"a suspended user":                          {change: func(u *store.User, _ *inquiry.Lender) { u.Status = inquiry.AccessSuspended }, suspended: true},
		"a suspended lender":                        {change: func(_ *store.User, l *inquiry.Lender) { l.Status = inquiry.AccessSuspended }, suspended: true},
		"a user without a status":                   {change: func(u *store.User, _ *inquiry.Lender) { u.Status = "" }, suspended: true},
		"a lender with a status of a later version": {change: func(_ *store.User, l *inquiry.Lender) { l.Status = "CLOSED" }, suspended: true},
		"a user of another lender":                  {change: func(u *store.User, _ *inquiry.Lender) { u.LenderID = "globex" }},
		"a role of a later version":                 {change: func(u *store.User, _ *inquiry.Lender) { u.Role = "auditor" }},
		"a suspended user with an unknown role": {
			change: func(u *store.User, _ *inquiry.Lender) { u.Role, u.Status = "auditor", inquiry.AccessSuspended }, suspended: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user := store.User{ID: "u1", LenderID: "acme", Role: "member", Status: inquiry.AccessActive}
			lender := inquiry.Lender{ID: "acme", Name: "Acme Lending", Status: inquiry.AccessActive}
			if c.change != nil {
				c.change(&user, &lender)
			}
			role, err := access.Admit(user, lender)
			if role != c.want || (err == nil) != (c.want != "") {
				t.Errorf("role %q, error %v; want role %q", role, err, c.want)
			}
			if errors.Is(err, inquiry.ErrSuspended) != c.suspended {
				t.Errorf("error %v; want a suspension: %t", err, c.suspended)
			}
		})
	}
}
