package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"workerd.local/assets"
	"workerd.local/config"
	"workerd.local/event"
)

// openAssets opens the static files of projects, which what builds the project may just have written.
func (w *world) openAssets(ctx context.Context) error {
	for i := range w.cfg.Services {
		c := &w.cfg.Services[i]
		if c.Assets == nil {
			continue
		}
		if err := runBuild(ctx, &c.Assets.Build); err != nil {
			return fmt.Errorf("service %s: %w", c.Name, err)
		}
		site, problems, err := assets.Open(assets.Options{
			Directory: c.Assets.Path.Value, Pages: assetPages[c.Assets.Pages], Missing: assetMissing[c.Assets.Missing], Bounds: w.s.o.Limits.Bounds,
		})
		if errors.Is(err, fs.ErrNotExist) {
			return at(c.Assets.Path.Pos, "the directory of the static assets is not there: %s; build the project first", c.Assets.Path.Value)
		}
		if err != nil {
			return at(c.Assets.Path.Pos, "static assets: %s", err)
		}
		for _, p := range problems {
			w.s.log.Warn("a line of the static assets' rules is left out", "at", p.String())
		}
		w.closers = append(w.closers, site)
		w.inputs = append(w.inputs, assets.Rules(c.Assets.Path.Value)...)
		w.services[c.Name].plain = site
	}
	for _, svc := range w.services {
		if svc.cfg.Worker == nil || svc.cfg.Worker.Assets == nil {
			continue
		}
		c := svc.cfg.Worker.Assets
		site, ok := w.services[c.Service].plain.(*assets.Site)
		if !ok {
			return at(svc.cfg.Pos, "service %s: %q is no service of static assets", svc.cfg.Name, c.Service)
		}
		var err error
		svc.router, err = assets.NewRouter(site, assets.Routing{
			First: c.WorkerFirst, Worker: slices.Clone(c.WorkerPaths), Assets: slices.Clone(c.AssetPaths),
			Navigation: svc.flags.Has("assets_navigation_prefers_asset_serving"),
		})
		if err != nil {
			return at(svc.cfg.Pos, "service %s: %s", svc.cfg.Name, err)
		}
	}
	return nil
}

var (
	assetPages = map[config.AssetPages]assets.Pages{
		config.PagesAutoSlash: assets.AutoSlash, config.PagesForceSlash: assets.ForceSlash, config.PagesDropSlash: assets.DropSlash, config.PagesAsNamed: assets.AsNamed,
	}
	assetMissing = map[config.AssetMissing]assets.Missing{
		config.MissingNone: assets.NotFound, config.MissingOnePage: assets.OnePage, config.MissingNearestPage: assets.NearestPage,
	}
)

// asksFiles reports whether a request may be one for the static files.
func (l *lazyService) asksFiles() bool {
	return l.files && l.svc.router != nil && !l.svc.router.AlwaysWorker()
}

// fileRouting gives a request to the static files of a worker, or to the worker.
type fileRouting struct{ l *lazyService }

func (f fileRouting) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	toSite, err := f.l.svc.router.ToSite(req)
	switch {
	case err != nil:
		req.Body.Close()
		return nil, err
	case toSite:
		return f.l.svc.router.Site().Fetch(ctx, req)
	}
	return f.l.svc.pool.Service(f.l.entrypoint).Fetch(ctx, f.l.withProps(req))
}

func (f fileRouting) Deliver(ctx context.Context, ev event.Event) (event.Outcome, error) {
	return f.l.Deliver(ctx, ev)
}
