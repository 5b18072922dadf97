package httpapi

import (
	"context"
	"net/http"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
)

// mayOnlyRead is the problem of a viewer who asks for a change.
func mayOnlyRead() *Problem {
	return newProblem(http.StatusForbidden, "forbidden", "Your role may read batches, not change them. Ask your administrator for another role.")
}

// confirm asks whether the caller may still change things. What the authorizer
// said may be five minutes old, which is too old for what cannot be undone.
func (a *API) confirm(ctx context.Context, caller auth.Caller) error {
	role, err := a.Keys.RoleNow(ctx, caller)
	if err == nil && !role.MayChange() {
		err = mayOnlyRead()
	}
	return err
}
