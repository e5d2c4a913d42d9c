-- What the hosts of a cluster of jira-pat share, for PostgreSQL 15 and newer.
-- "pat-admin cluster init" runs this; who lets no program make a schema runs it by
-- hand first, as the role that pat-clusterd connects as:
--
--     psql -1 -v ON_ERROR_STOP=1 -f schema.sql 'dbname=jira_pat user=jira_pat'
--
-- Each step of pat-clusterd is one statement that calls one function, in a transaction
-- of its own, at the isolation level "read committed": a statement inside a function
-- sees all that was committed before it began, also while the one before it waited
-- for a lock. The bytes of a batch are a matter of the hosts, which trust nothing here:
-- each batch carries a MAC over the one before it.

CREATE SCHEMA jira_pat;

-- One row: this cluster. pepper_tag tells hosts with another pepper apart, and says
-- nothing about the pepper.
CREATE TABLE jira_pat.cluster (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	id bytea NOT NULL CHECK (octet_length(id) = 16),
	format integer NOT NULL,
	pepper_tag bytea NOT NULL
);

-- One row: where the log ends, and how many bytes it had in all. All order comes from
-- the lock on this row: append() takes it FOR UPDATE and lease() FOR SHARE.
CREATE TABLE jira_pat.head (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	seq bigint NOT NULL,
	mac bytea NOT NULL,
	total bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);

CREATE TABLE jira_pat.log (
	seq bigint PRIMARY KEY,
	batch uuid NOT NULL UNIQUE,
	node text NOT NULL,
	at bigint NOT NULL,
	bytes bytea NOT NULL,
	mac bytea NOT NULL,
	total bigint NOT NULL
);

-- A host. `grants` counts its leases, of `lease_ms` each, or 0 once the last one was
-- given back; `applied` is what it has of the log. `session` is
-- the pat-clusterd that speaks for it, and `holder` the machine and store that its
-- leases are granted to: a machine that was copied with the name of its host shows by
-- another one. `entered` is the pat-clusterd of the join that made the row, which is
-- `whole` once that has ended, or the host has come: until then nobody bears the name.
-- Who leaves stays until its last lease has run out.
CREATE TABLE jira_pat.node (
	name text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,62}$'),
	applied bigint NOT NULL DEFAULT 0,
	grants bigint NOT NULL DEFAULT 0,
	lease_ms integer NOT NULL DEFAULT 0,
	contact timestamptz,
	version text NOT NULL DEFAULT '',
	session bigint NOT NULL DEFAULT 0,
	holder bytea NOT NULL DEFAULT '',
	entered bigint NOT NULL DEFAULT 0,
	whole boolean NOT NULL DEFAULT false,
	joined timestamptz NOT NULL DEFAULT clock_timestamp(),
	gone boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

-- A whole store, as of `seq`: what a host that joins begins with. Its row comes with
-- its last part, and there is one at most.
CREATE TABLE jira_pat.snapshot (
	seq bigint PRIMARY KEY,
	mac bytea NOT NULL,
	parts integer NOT NULL CHECK (parts > 0),
	total bigint NOT NULL,
	made timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE jira_pat.snapshot_part (
	seq bigint NOT NULL,
	part integer NOT NULL,
	mac bytea NOT NULL,
	bytes bytea NOT NULL,
	PRIMARY KEY (seq, part)
);

-- The end of the log, what came since the snapshot, and all hosts: one row for each,
-- all as of one moment.
CREATE FUNCTION jira_pat.nodes(
	OUT head bigint, OUT head_mac bytea, OUT log_batches bigint, OUT log_bytes bigint,
	OUT name text, OUT applied bigint, OUT grants bigint, OUT lease_ms integer,
	OUT contact_ms bigint, OUT version text, OUT gone boolean)
RETURNS SETOF record LANGUAGE sql STABLE AS $$
	SELECT h.seq, h.mac, h.seq - coalesce(s.seq, 0), h.total - coalesce(s.total, 0),
		n.name, n.applied, n.grants, n.lease_ms,
		-- greatest() passes over NULL: one that was never heard of was when it came.
		greatest(0, extract(epoch FROM clock_timestamp()
			- coalesce(n.contact, n.joined)) * 1000)::bigint,
		n.version, n.gone
	-- LIMIT tells the planner what it cannot know: it would guess hundreds of millions
	-- of rows, and compile (jit) each call for half a second.
	FROM (SELECT * FROM jira_pat.head LIMIT 1) h
	LEFT JOIN (SELECT * FROM jira_pat.snapshot LIMIT 1) s ON true
	LEFT JOIN jira_pat.node n ON true
	ORDER BY n.name COLLATE "C"
$$;

-- Who joins by a name has its lock until the end of the connection: it lives. '': who
-- makes a cluster.
CREATE FUNCTION jira_pat.join_lock(p_node text)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
	SELECT hashtextextended('jira_pat.join ' || p_node, 0)
$$;

-- Whether that session speaks for that host.
CREATE FUNCTION jira_pat.check_node(p_node text, p_session bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_session bigint;
BEGIN
	SELECT n.session INTO v_session FROM jira_pat.node n
	WHERE n.name = p_node AND NOT n.gone;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the cluster has no host "%"', p_node
			USING ERRCODE = 'JP001';
	ELSIF v_session <> p_session THEN
		RAISE EXCEPTION 'another machine calls itself "%", too', p_node
			USING ERRCODE = 'JP007';
	END IF;
END
$$;

-- Puts one more batch at the end, if that is where the host thinks it is. The rows are
-- those of nodes(), read now that nobody can be granted a lease without seeing this
-- batch; each has the result in front:
--   ok        it is there, once, also if this was done before
--   conflict  the log ends elsewhere: at `head`
CREATE FUNCTION jira_pat.append(
	p_expected bigint, p_batch uuid, p_node text, p_session bigint, p_at bigint,
	p_bytes bytea, p_mac bytea,
	OUT result text, OUT head bigint, OUT head_mac bytea, OUT log_batches bigint,
	OUT log_bytes bigint, OUT name text, OUT applied bigint, OUT grants bigint,
	OUT lease_ms integer, OUT contact_ms bigint, OUT version text, OUT gone boolean)
RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	v_head bigint;
	v_total bigint;
	v_seq bigint;
	v_result text := 'ok';
BEGIN
	SELECT h.seq, h.total + octet_length(p_bytes) INTO STRICT v_head, v_total
	FROM jira_pat.head h FOR UPDATE;
	PERFORM jira_pat.check_node(p_node, p_session);
	SELECT l.seq INTO v_seq FROM jira_pat.log l WHERE l.batch = p_batch;
	IF NOT FOUND AND v_head = p_expected THEN
		INSERT INTO jira_pat.log (seq, batch, node, at, bytes, mac, total)
		VALUES (v_head + 1, p_batch, p_node, p_at, p_bytes, p_mac, v_total);
		UPDATE jira_pat.head h SET seq = v_head + 1, mac = p_mac, total = v_total;
		PERFORM pg_notify('jira_pat', 'log');
	ELSIF v_seq IS NULL OR v_seq <> p_expected + 1 THEN
		v_result := 'conflict';
	END IF;
	RETURN QUERY SELECT v_result, n.* FROM jira_pat.nodes() n;
END
$$;

-- Grants a lease: a transaction that writes, so that it needs whatever standby a commit
-- needs. It comes before or after each append(), never beside one: whoever appends
-- after it sees `grants`, whoever appended before it is no newer than `head`. `grants`
-- moves on by a random step: a grant that a failover has undone, but which a host has
-- seen, is not to be taken for a later one.
CREATE FUNCTION jira_pat.lease(
	p_node text, p_session bigint, p_lease_ms integer, p_applied bigint,
	OUT head bigint, OUT head_mac bytea, OUT log_batches bigint, OUT log_bytes bigint,
	OUT name text, OUT applied bigint, OUT grants bigint, OUT lease_ms integer,
	OUT contact_ms bigint, OUT version text, OUT gone boolean)
RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
	PERFORM 1 FROM jira_pat.head h FOR SHARE;
	UPDATE jira_pat.node n
	SET grants = n.grants + 1 + floor(random() * 2147483647)::bigint,
		lease_ms = p_lease_ms,
		applied = greatest(n.applied, p_applied), contact = clock_timestamp()
	WHERE n.name = p_node AND n.session = p_session AND NOT n.gone;
	IF NOT FOUND THEN
		PERFORM jira_pat.check_node(p_node, p_session);
		RAISE EXCEPTION 'another machine calls itself "%", too', p_node
			USING ERRCODE = 'JP007';
	END IF;
	RETURN QUERY SELECT n.* FROM jira_pat.nodes() n;
END
$$;

-- A host ends, and nobody answers by its leases any more: the last one, by its number,
-- is taken back, and all before it. One that was granted since then has another number,
-- so whatever comes late, or twice, takes back nothing; nor does it where another machine
-- has the name by now. Lost in a crash, others wait for the lease, as ever: what is seen
-- of it is true in any case, so that no standby has to have it.
CREATE FUNCTION jira_pat.release(p_node text, p_session bigint, p_grants bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL synchronous_commit = off;
	UPDATE jira_pat.node n SET lease_ms = 0, contact = clock_timestamp()
	WHERE n.name = p_node AND n.session = p_session AND n.grants = p_grants;
	IF FOUND THEN
		PERFORM pg_notify('jira_pat', 'released');
	END IF;
END
$$;

-- What a host has of the log. Lost in a crash it is told again: nothing waits for it.
CREATE FUNCTION jira_pat.applied(p_node text, p_session bigint, p_seq bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL synchronous_commit = off;
	UPDATE jira_pat.node n SET applied = p_seq, contact = clock_timestamp()
	WHERE n.name = p_node AND n.session = p_session AND n.applied < p_seq;
	IF FOUND THEN
		PERFORM pg_notify('jira_pat', 'applied');
	END IF;
END
$$;

-- The next batches: `p_limit` at most, and no more once there are `p_bytes`.
-- What a primary shows need not be on its standby yet: after a crash, or where a wait
-- was cancelled. The standby would not know of it when it takes over, and hosts that had
-- applied it could not follow any more. So this writes something, and its commit is told
-- when the standby has that, and all before it.
CREATE FUNCTION jira_pat.since(
	p_seq bigint, p_limit integer, p_bytes bigint,
	OUT seq bigint, OUT batch uuid, OUT node text, OUT at bigint, OUT bytes bytea,
	OUT mac bytea)
RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT t.seq, t.batch, t.node, t.at, t.bytes, t.mac FROM (
		SELECT l.*, sum(octet_length(l.bytes)) OVER (ORDER BY l.seq)
			- octet_length(l.bytes) AS before
		FROM (
			SELECT * FROM jira_pat.log l
			WHERE l.seq > p_seq ORDER BY l.seq LIMIT p_limit
		) l
	) t WHERE t.before < p_bytes ORDER BY t.seq;
	IF FOUND THEN
		PERFORM pg_logical_emit_message(true, 'jira_pat', '');
	END IF;
END
$$;

-- What this cluster is, and what there is of its log.
CREATE FUNCTION jira_pat.welcome(
	OUT id bytea, OUT format integer, OUT pepper_tag bytea, OUT head bigint,
	OUT head_mac bytea, OUT oldest bigint, OUT snapshot bigint)
RETURNS SETOF record LANGUAGE sql STABLE AS $$
	SELECT c.id, c.format, c.pepper_tag, h.seq, h.mac,
		coalesce((SELECT min(l.seq) FROM jira_pat.log l), h.seq + 1),
		coalesce((SELECT max(s.seq) FROM jira_pat.snapshot s), -1)
	FROM (SELECT * FROM jira_pat.cluster LIMIT 1) c,
		(SELECT * FROM jira_pat.head LIMIT 1) h
$$;

-- A host begins, and says where it stands, also if that is less than before. As it is
-- a commit, all that was there before is where a commit has to be, and may be read.
--
-- Where another holder was granted the leases of this host, one of them may last yet,
-- with what that one has applied, unless it has given them back. So the name is taken
-- from it, for it to be granted nothing more, but nothing is said of the new one until
-- `wait_ms` have passed, by the clock of whoever asks, who then says so with `p_waited`.
-- A holder that was heard of within its lease lives: it keeps the name. So does one that
-- waits, a little longer than its wait, or two of them would take it from each other for
-- ever. (By this clock: if it jumps, somebody waits in vain or begins to wait early, no
-- more.)
CREATE FUNCTION jira_pat.hello(
	p_cluster bytea, p_node text, p_session bigint, p_holder bytea, p_waited boolean,
	p_applied bigint, p_version text,
	OUT id bytea, OUT format integer, OUT pepper_tag bytea, OUT head bigint,
	OUT head_mac bytea, OUT oldest bigint, OUT snapshot bigint, OUT wait_ms integer)
RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	v_node jira_pat.node;
	v_wait_ms integer := 0;
BEGIN
	PERFORM 1 FROM jira_pat.cluster c WHERE c.id = p_cluster;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'this database has another cluster than the store'
			USING ERRCODE = 'JP006';
	END IF;
	SELECT n.* INTO v_node FROM jira_pat.node n
	WHERE n.name = p_node AND NOT n.gone FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the cluster has no host "%"', p_node
			USING ERRCODE = 'JP001';
	END IF;
	IF v_node.grants > 0 AND v_node.lease_ms > 0 AND v_node.holder <> p_holder
			AND NOT (p_waited AND v_node.session = p_session) THEN
		IF v_node.session <> p_session AND clock_timestamp() - v_node.contact
				BETWEEN interval '0' AND v_node.lease_ms * interval '1.05 ms' THEN
			RAISE EXCEPTION 'another machine calls itself "%", too, or did so '
				'a moment ago', p_node USING ERRCODE = 'JP007';
		END IF;
		v_wait_ms := v_node.lease_ms;
		UPDATE jira_pat.node n SET session = p_session, contact = clock_timestamp()
		WHERE n.name = p_node;
	ELSE
		-- An import has a hello of its own, and may be killed as any join.
		UPDATE jira_pat.node n SET session = p_session, holder = p_holder,
			applied = p_applied, contact = clock_timestamp(), version = p_version,
			whole = n.whole OR pg_try_advisory_xact_lock(jira_pat.join_lock(p_node))
		WHERE n.name = p_node;
	END IF;
	RETURN QUERY SELECT w.*, v_wait_ms FROM jira_pat.welcome() w;
END
$$;

-- ---- setting up ----

-- What an init has left that was killed on the way is made anew: nothing was written, and
-- no host has come.
CREATE FUNCTION jira_pat.init(
	p_id bytea, p_format integer, p_pepper_tag bytea, p_mac bytea)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF NOT pg_try_advisory_lock(jira_pat.join_lock('')) THEN
		RAISE EXCEPTION 'another host has begun to make a cluster in this database '
			'already' USING ERRCODE = 'JP010';
	END IF;
	-- A host that comes, or whose init ends, does so before this or not at all.
	PERFORM 1 FROM jira_pat.head h FOR UPDATE;
	PERFORM 1 FROM jira_pat.node n FOR UPDATE;
	IF NOT EXISTS (SELECT FROM jira_pat.node n WHERE n.whole OR n.grants > 0)
			AND NOT EXISTS (SELECT FROM jira_pat.head h WHERE h.seq > 0) THEN
		DELETE FROM jira_pat.cluster;
		DELETE FROM jira_pat.head;
		DELETE FROM jira_pat.node;
		DELETE FROM jira_pat.snapshot;
		DELETE FROM jira_pat.snapshot_part;
	END IF;
	INSERT INTO jira_pat.cluster (id, format, pepper_tag)
	VALUES (p_id, p_format, p_pepper_tag);
	INSERT INTO jira_pat.head (seq, mac) VALUES (0, p_mac);
EXCEPTION WHEN unique_violation THEN
	RAISE EXCEPTION 'this database has a cluster already'
		USING ERRCODE = 'JP002';
END
$$;

-- A host begins to join. What a join has left that did not end is nobody's; one that is
-- under way has the lock.
CREATE FUNCTION jira_pat.enter(p_node text, p_pepper_tag bytea, p_session bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF NOT pg_try_advisory_lock(jira_pat.join_lock(p_node)) THEN
		RAISE EXCEPTION 'another host joins as "%" at this moment', p_node
			USING ERRCODE = 'JP008';
	END IF;
	-- Beside an append(), it would be missing among the hosts.
	PERFORM 1 FROM jira_pat.head h FOR UPDATE;
	PERFORM 1 FROM jira_pat.cluster c WHERE c.pepper_tag = p_pepper_tag;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'this host has another pepper than the cluster'
			USING ERRCODE = 'JP003';
	END IF;
	DELETE FROM jira_pat.node n
	WHERE n.name = p_node AND NOT n.whole AND n.grants = 0;
	IF (SELECT count(*) FROM jira_pat.node) >= 64 THEN
		RAISE EXCEPTION 'the cluster has 64 hosts already'
			USING ERRCODE = 'JP004';
	END IF;
	INSERT INTO jira_pat.node (name, entered) VALUES (p_node, p_session);
EXCEPTION WHEN unique_violation THEN
	RAISE EXCEPTION 'the cluster has a host "%" already', p_node
		USING ERRCODE = 'JP002';
END
$$;

-- The store of the host is in its place.
CREATE FUNCTION jira_pat.settle(p_node text, p_session bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	UPDATE jira_pat.node n SET whole = true
	WHERE n.name = p_node AND n.entered = p_session AND NOT n.gone;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the name "%" was taken away, or given to another host, '
			'meanwhile', p_node USING ERRCODE = 'JP009';
	END IF;
END
$$;

-- A join goes back: it was granted nothing. By then the name may be another host's.
CREATE FUNCTION jira_pat.abandon(p_node text, p_session bigint)
RETURNS integer LANGUAGE sql AS $$
	DELETE FROM jira_pat.node n
	WHERE n.name = p_node AND n.entered = p_session AND n.grants = 0;
	SELECT 0
$$;

-- From now on it is granted nothing and changes nothing. forget() comes when the last
-- lease has run out; until then those who wait for all hosts see it.
CREATE FUNCTION jira_pat.leave(p_node text)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	v_lease_ms integer;
BEGIN
	PERFORM 1 FROM jira_pat.head h FOR UPDATE;
	UPDATE jira_pat.node n SET gone = true WHERE n.name = p_node
	RETURNING n.lease_ms INTO v_lease_ms;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the cluster has no host "%"', p_node
			USING ERRCODE = 'JP001';
	END IF;
	RETURN v_lease_ms;
END
$$;

CREATE FUNCTION jira_pat.forget(p_node text)
RETURNS void LANGUAGE sql AS $$
	DELETE FROM jira_pat.node n WHERE n.name = p_node AND n.gone
$$;

-- ---- snapshots ----

-- One part of a snapshot; with its last one it takes the place of those before. The
-- caller holds the advisory lock, so nobody else makes one.
CREATE FUNCTION jira_pat.snapshot_put(
	p_seq bigint, p_mac bytea, p_parts integer, p_part integer, p_part_mac bytea,
	p_bytes bytea)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF p_part = 0 THEN
		DELETE FROM jira_pat.snapshot_part p WHERE NOT EXISTS (
			SELECT FROM jira_pat.snapshot s WHERE s.seq = p.seq);
	END IF;
	IF EXISTS (SELECT FROM jira_pat.snapshot s WHERE s.seq >= p_seq) THEN
		RETURN;
	END IF;
	INSERT INTO jira_pat.snapshot_part (seq, part, mac, bytes)
	VALUES (p_seq, p_part, p_part_mac, p_bytes);
	IF (SELECT count(*) FROM jira_pat.snapshot_part p WHERE p.seq = p_seq) = p_parts THEN
		INSERT INTO jira_pat.snapshot (seq, mac, parts, total)
		VALUES (p_seq, p_mac, p_parts, coalesce(
			(SELECT l.total FROM jira_pat.log l WHERE l.seq = p_seq), 0));
		DELETE FROM jira_pat.snapshot s WHERE s.seq < p_seq;
		DELETE FROM jira_pat.snapshot_part p WHERE p.seq < p_seq;
		PERFORM jira_pat.trim();
	END IF;
END
$$;

-- Removes what every host and the snapshot have.
CREATE FUNCTION jira_pat.trim()
RETURNS void LANGUAGE sql AS $$
	DELETE FROM jira_pat.log l WHERE l.seq <= least(
		(SELECT coalesce(max(s.seq), 0) FROM jira_pat.snapshot s),
		(SELECT coalesce(min(n.applied), 0) FROM jira_pat.node n WHERE NOT n.gone))
$$;
