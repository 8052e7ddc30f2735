/** The files of a result; each click asks for a link that is signed for a few minutes. */
import { useMutation } from "@tanstack/react-query";
import { Download, FileImage, FileSpreadsheet, FileText, type LucideIcon } from "lucide-react";
import { answer, type Schema } from "~/api/api.ts";
import { sentenceOf } from "~/api/problems.ts";
import { useProduct } from "~/product.ts";
import { Button, IconButton } from "~/ui/button.tsx";
import { Card } from "~/ui/card.tsx";
import { notifyProblem } from "~/ui/notify.ts";
import { size } from "~/ui/size.ts";
import type { Task } from "./keys.ts";

type File = Schema<"tasks__schemas__FileView">;

export function Files({ task: { task_id, files } }: { task: Task }) {
  const [only, ...others] = files;
  if (only === undefined) return null;
  return (
    <div className="grid grid-cols-1 gap-2.5">
      {others.length === 0 ? (
        <OneFile taskId={task_id} file={only} />
      ) : (
        <Card padding="none">
          <ul aria-label="Files" className="divide-y divide-line">
            {files.map((file) => (
              <FileRow key={file.id} taskId={task_id} file={file} />
            ))}
          </ul>
        </Card>
      )}
      <p className="text-caption text-soft">Files are kept for at least 7 days.</p>
    </div>
  );
}

function OneFile({ taskId, file }: { taskId: string; file: File }) {
  const opening = useOpening(taskId, file);
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
      <Button look="primary" busy={opening.isPending} onClick={() => opening.mutate()}>
        <Download size={17} className="shrink-0" aria-hidden="true" />
        <span className="truncate">Download results ({file.name})</span>
      </Button>
      <About file={file} />
    </div>
  );
}

function About({ file }: { file: File }) {
  return (
    <p className="min-w-0 truncate text-caption text-soft" title={`SHA-256 ${file.sha256}`}>
      {size(file.size)} · {file.media_type} · SHA-256 {file.sha256.slice(0, 12)}…
    </p>
  );
}

function FileRow({ taskId, file }: { taskId: string; file: File }) {
  const opening = useOpening(taskId, file);
  const Icon = iconOf(file.media_type);
  return (
    <li className="flex items-center gap-3 px-4 py-3">
      <Icon className="shrink-0 text-soft" size={20} aria-hidden="true" />
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium">{file.name}</p>
        <About file={file} />
      </div>
      <IconButton
        label={`Download ${file.name}`}
        busy={opening.isPending}
        onClick={() => opening.mutate()}
      >
        <Download size={18} aria-hidden="true" />
      </IconButton>
    </li>
  );
}

function useOpening(taskId: string, file: File) {
  const { api } = useProduct();
  return useMutation({
    mutationFn: () =>
      answer(
        api.GET("/api/tasks/{task_id}/files/{file_id}/link", {
          params: { path: { task_id: taskId, file_id: file.id } },
        }),
      ),
    onSuccess: ({ url }) => location.assign(url), // it is a download: this page stays
    onError: (problem) => notifyProblem(sentenceOf(problem)),
  });
}

function iconOf(mediaType: string): LucideIcon {
  if (mediaType.startsWith("image/")) return FileImage;
  const isTable = mediaType === "text/csv" || mediaType.includes("spreadsheet");
  return isTable ? FileSpreadsheet : FileText;
}
