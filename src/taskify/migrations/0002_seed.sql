-- Five people, three projects, tasks in every column. Identifiers are fixed, times as well.

INSERT INTO users (id, name, role) VALUES
    (1, 'Ada Brandt', 'product_manager'),
    (2, 'Bela Novak', 'engineer'),
    (3, 'Chen Wei', 'engineer'),
    (4, 'Dilara Aydin', 'engineer'),
    (5, 'Emeka Obi', 'engineer');

INSERT INTO projects (id, name, created_by, created_at) VALUES
    (1, 'Mobile app', 1, '2026-01-05 09:01:00.000000+00'),
    (2, 'Website relaunch', 1, '2026-01-05 09:02:00.000000+00'),
    (3, 'Data platform', 1, '2026-01-05 09:03:00.000000+00');

INSERT INTO project_members (project_id, user_id) VALUES
    (1, 1),
    (1, 2),
    (1, 3),
    (2, 1),
    (2, 3),
    (2, 4),
    (2, 5),
    (3, 1),
    (3, 2),
    (3, 4),
    (3, 5);

INSERT INTO tasks (id, project_id, title, description, status, position, assignee_id,
                   created_by, version, created_at, updated_at) VALUES
    (1, 1, 'Sketch the sign-in screen', E'What it takes:\n\t1. ask Chen Wei\n\t2. try it', 'done', 0, 1, 1, 4,
     '2026-01-06 10:01:00.125000+00', '2026-02-01 16:01:30.5+00'),
    (2, 1, 'Write the sign-in screen', '', 'in_review', 0, 2, 1, 3,
     '2026-01-06 10:02:00.125000+00', '2026-02-01 16:02:30.5+00'),
    (3, 1, 'Choose an icon set', '', 'done', 1, 3, 1, 4,
     '2026-01-06 10:03:00.125000+00', '2026-02-01 16:03:30.5+00'),
    (4, 1, 'Offline mode: what to keep', E'What it takes:\n\t1. ask Chen Wei\n\t2. try it', 'in_progress', 0, 1, 1, 2,
     '2026-01-06 10:04:00.125000+00', '2026-02-01 16:04:30.5+00'),
    (5, 1, 'Push notifications', '', 'todo', 0, 2, 1, 1,
     '2026-01-06 10:05:00.125000+00', '2026-02-01 16:05:30.5+00'),
    (6, 1, 'Crash reports from the field', '', 'todo', 1, NULL, 1, 1,
     '2026-01-06 10:06:00.125000+00', '2026-02-01 16:06:30.5+00'),
    (7, 1, 'Dark colours', E'What it takes:\n\t1. ask Chen Wei\n\t2. try it', 'todo', 2, 1, 1, 1,
     '2026-01-06 10:07:00.125000+00', '2026-02-01 16:07:30.5+00'),
    (8, 2, 'List every page we have', E'What it takes:\n\t1. ask Emeka Obi\n\t2. try it', 'done', 0, 1, 1, 4,
     '2026-01-06 10:08:00.125000+00', '2026-02-02 16:08:30.5+00'),
    (9, 2, 'Agree on the new sitemap', '', 'done', 1, 3, 1, 4,
     '2026-01-06 10:09:00.125000+00', '2026-02-02 16:09:30.5+00'),
    (10, 2, 'Move the press releases', '', 'in_progress', 0, 4, 1, 2,
     '2026-01-06 10:10:00.125000+00', '2026-02-02 16:10:30.5+00'),
    (11, 2, 'Form for "contact us"', E'What it takes:\n\t1. ask Emeka Obi\n\t2. try it', 'in_review', 0, 5, 1, 3,
     '2026-01-06 10:11:00.125000+00', '2026-02-02 16:11:30.5+00'),
    (12, 2, 'Redirect the old addresses', '', 'todo', 0, 1, 1, 1,
     '2026-01-06 10:12:00.125000+00', '2026-02-02 16:12:30.5+00'),
    (13, 2, 'Alternative texts for pictures', '', 'todo', 1, NULL, 1, 1,
     '2026-01-06 10:13:00.125000+00', '2026-02-02 16:13:30.5+00'),
    (14, 2, 'Measure loading time', E'What it takes:\n\t1. ask Emeka Obi\n\t2. try it', 'in_progress', 1, 4, 1, 2,
     '2026-01-06 10:14:00.125000+00', '2026-02-02 16:14:30.5+00'),
    (15, 2, 'Café menu page', '', 'todo', 2, NULL, 1, 1,
     '2026-01-06 10:15:00.125000+00', '2026-02-02 16:15:30.5+00'),
    (16, 2, 'Legal notice in three languages', '', 'in_review', 1, 1, 1, 3,
     '2026-01-06 10:16:00.125000+00', '2026-02-02 16:16:30.5+00'),
    (17, 3, 'Nightly import from the shop', E'What it takes:\n\t1. ask Emeka Obi\n\t2. try it', 'done', 0, 1, 1, 4,
     '2026-01-06 10:17:00.125000+00', '2026-02-03 16:17:30.5+00'),
    (18, 3, 'Schema of the order table', '', 'done', 1, 2, 1, 4,
     '2026-01-06 10:18:00.125000+00', '2026-02-03 16:18:30.5+00'),
    (19, 3, 'Backfill 2025', '', 'in_progress', 0, 4, 1, 2,
     '2026-01-06 10:19:00.125000+00', '2026-02-03 16:19:30.5+00'),
    (20, 3, 'Alert when an import is late', E'What it takes:\n\t1. ask Emeka Obi\n\t2. try it', 'in_review', 0, 5, 1, 3,
     '2026-01-06 10:20:00.125000+00', '2026-02-03 16:20:30.5+00'),
    (21, 3, 'Dashboards for sales', '', 'todo', 0, 1, 1, 1,
     '2026-01-06 10:21:00.125000+00', '2026-02-03 16:21:30.5+00'),
    (22, 3, 'Delete personal data after a year', '', 'todo', 1, NULL, 1, 1,
     '2026-01-06 10:22:00.125000+00', '2026-02-03 16:22:30.5+00');

INSERT INTO comments (id, task_id, parent_id, author_id, body, created_at, updated_at) VALUES
    (1, 1, NULL, 2, 'Two buttons or one?', '2026-01-07 08:00:00+00', '2026-01-07 08:00:00+00'),
    (2, 1, 1, 1, 'One.', '2026-01-07 08:05:00+00', '2026-01-07 08:05:00+00'),
    (3, 1, NULL, 3, NULL, '2026-01-07 09:00:00+00', '2026-01-08 09:00:00+00');

SELECT setval(pg_get_serial_sequence('users', 'id'), (SELECT max(id) FROM users));
SELECT setval(pg_get_serial_sequence('projects', 'id'), (SELECT max(id) FROM projects));
SELECT setval(pg_get_serial_sequence('tasks', 'id'), (SELECT max(id) FROM tasks));
SELECT setval(pg_get_serial_sequence('comments', 'id'), (SELECT max(id) FROM comments));
